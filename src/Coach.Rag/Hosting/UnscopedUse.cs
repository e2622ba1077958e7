using System.Reflection;
using Coach.Rag.Documents;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Coach.Rag.Hosting;

/// <summary>
/// Fails the start of a host whose documents are kept by scope, and where something takes or gives documents without
/// one.
/// </summary>
internal sealed class UnscopedUse(
    IServiceCollection services, string name, IOptionsMonitor<CoachRagOptions> options,
    IOptionsMonitor<KnowledgeSources> sources) : IValidateOptions<CoachRagScopeOptions>
{
    public static string Sentence(string what) =>
        $"{what}, but documents are kept by scope (AddCoachRag().WithScopes). "
        + "Take IKnowledgeBases, and open the scope of whoever asks.";

    public ValidateOptionsResult Validate(string? checkedName, CoachRagScopeOptions scopes)
    {
        if (checkedName != name)
        {
            return ValidateOptionsResult.Skip;
        }

        List<string> problems = [];
        if (name.Length == 0)
        {
            problems.AddRange(services.Where(TakesUnscoped).Select(service => Sentence(
                $"'{ImplementationOf(service)!.FullName}' takes an IRetriever or IKnowledgeBase without scope")));
        }

        KnowledgeSources registered = sources.Get(name);
        if (options.Get(name).Knowledge is { Length: > 0 } || registered.Folders.Count + registered.Others.Count > 0)
        {
            problems.Add(
                "A registration with scopes reads no source (Coach:Rag:Knowledge, WithSource, WithDocuments): it would "
                + "belong to nobody. Add documents to a scope, or give shared ones a registration with a name.");
        }

        return problems.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(problems);
    }

    private static Type? ImplementationOf(ServiceDescriptor service) =>
        service.IsKeyedService ? service.KeyedImplementationType : service.ImplementationType;

    // A factory cannot be looked into; it fails when it asks.
    private static bool TakesUnscoped(ServiceDescriptor service)
    {
        ConstructorInfo[] constructors =
            (service.IsKeyedService ? service.KeyedImplementationType : service.ImplementationType)
            ?.GetConstructors() ?? [];
        return constructors.Length > 0 && constructors.All(
            constructor => constructor.GetParameters().Any(IsUnscoped));
    }

    private static bool IsUnscoped(ParameterInfo parameter) =>
        (parameter.ParameterType == typeof(IRetriever) || parameter.ParameterType == typeof(IKnowledgeBase))
        && !parameter.HasDefaultValue
        && parameter.GetCustomAttribute<FromKeyedServicesAttribute>() is null;
}
