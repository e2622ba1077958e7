using System.Reflection;
using System.Runtime.Loader;
using System.Text.Json;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using NJsonSchema.CodeGeneration.CSharp;
using NSwag;
using NSwag.CodeGeneration.CSharp;

namespace Coach.Integration.Tests.OpenApi;

/// <summary>
/// A client that NSwag makes of the host's own document, compiled in this process: what a stranger gets who points a
/// generator at <c>/openapi/v1.json</c>.
/// </summary>
internal sealed class GeneratedClient
{
    private const string Namespace = "Generated";
    private const string ClientName = "CoachClient";

    private readonly object _client;

    private GeneratedClient(Assembly assembly, HttpClient http)
    {
        Type type = assembly.GetType($"{Namespace}.{ClientName}")!;
        _client = Activator.CreateInstance(type, http)!;
        type.GetProperty("ReadResponseAsString")!.SetValue(_client, true); // what was answered stands in the exception
    }

    /// <summary>The client's methods, a call of the document each.</summary>
    public IEnumerable<string> Methods => Overloads().Select(method => method.Name);

    /// <summary>Makes the client; fails with what the compiler says.</summary>
    public static async Task<GeneratedClient> CreateAsync(string document, HttpClient http)
    {
        var settings = new CSharpClientGeneratorSettings
        {
            ClassName = ClientName,
            ExceptionClass = "ApiException",
            InjectHttpClient = true,
            UseBaseUrl = false,
            GenerateOptionalParameters = true,
            CSharpGeneratorSettings =
            {
                Namespace = Namespace,
                JsonLibrary = CSharpJsonLibrary.SystemTextJson,
                GenerateNullableReferenceTypes = true,
            },
        };
        OpenApiDocument read = await OpenApiDocument.FromJsonAsync(document);
        string code = new CSharpClientGenerator(read, settings).GenerateFile();
        string[] trusted = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator);
        var compilation = CSharpCompilation.Create(
            Namespace,
            [CSharpSyntaxTree.ParseText(code)],
            trusted.Select(static file => MetadataReference.CreateFromFile(file)),
            new CSharpCompilationOptions(
                OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: NullableContextOptions.Enable));
        using var stream = new MemoryStream();
        Assert.Empty(compilation.Emit(stream).Diagnostics.Where(said => said.Severity == DiagnosticSeverity.Error));
        stream.Position = 0;
        return new GeneratedClient(new AssemblyLoadContext(Namespace).LoadFromStream(stream), http);
    }

    /// <summary>Calls a method; an argument that is a <see cref="JsonElement"/> becomes what the method takes.</summary>
    /// <returns>The status, the answer in the document's own type (or none), and the text where that is no JSON.</returns>
    public async Task<GeneratedAnswer> CallAsync(string method, params object?[] arguments)
    {
        MethodInfo found = Overloads().Single(each => each.Name == method);
        ParameterInfo[] parameters = found.GetParameters();
        object?[] values =
        [
            .. parameters[..^1].Select((parameter, index) =>
                index < arguments.Length ? Convert(arguments[index], parameter.ParameterType) : null),
            CancellationToken.None,
        ];
        try
        {
            var task = (Task)found.Invoke(_client, values)!;
            await task;
            object? result = task.GetType().GetProperty("Result")?.GetValue(task);
            return new GeneratedAnswer(null, result, null);
        }
        catch (Exception exception) when (exception.GetType().Namespace == Namespace)
        {
            Type type = exception.GetType();
            return new GeneratedAnswer(
                (int)type.GetProperty("StatusCode")!.GetValue(exception)!,
                type.GetProperty("Result")?.GetValue(exception),
                (string?)type.GetProperty("Response")!.GetValue(exception));
        }
    }

    private IEnumerable<MethodInfo> Overloads() => _client.GetType()
        .GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
        .Where(static method => typeof(Task).IsAssignableFrom(method.ReturnType));

    private static object? Convert(object? argument, Type type) =>
        argument is JsonElement json ? json.Deserialize(type) : argument;
}

/// <summary>What a call of the generated client gave.</summary>
/// <param name="Status">The status that made the client throw; null when it returned.</param>
/// <param name="Result">The answer or the problem, in the generated type.</param>
/// <param name="Text">What was answered, when the client threw.</param>
internal sealed record GeneratedAnswer(int? Status, object? Result, string? Text)
{
    /// <summary>A property of the answer, by the name that the generator gave it.</summary>
    public object? this[string property] => Result!.GetType().GetProperty(property)!.GetValue(Result);
}
