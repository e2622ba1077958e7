using Coach.Abstractions;
using Coach.Llm;
using Coach.Usage;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Usage;

/// <summary>
/// Usage, budgets and credits in the pipeline that answers a question. A mock uses and costs nothing.
/// </summary>
internal static class UsageStages
{
    public static IChatClient WithBudget(IChatClient client, ChatPipelineContext context) =>
        context.Mode == RunMode.Mock
            ? client
            : new ChatClientBuilder(client).UseBudget(CallOf(context)).Build(context.Services);

    public static IChatClient WithUsage(IChatClient client, ChatPipelineContext context) =>
        new ChatClientBuilder(client)
            .UseUsage(new UsageCallOptions(context.Caller)
            {
                Provider = context.Provider,
                IsHostPaid = context.IsHostPaid,
            })
            .Build(context.Services);

    /// <summary>A turn is paid once, however many calls its tools make.</summary>
    public static IChatClient WithCredits(IChatClient client, ChatPipelineContext context)
    {
        CoachCreditOptions options = context.Services.GetRequiredService<IOptions<CoachCreditOptions>>().Value;

        // Who brings a key pays the provider; a price a turn is for everybody, mock answers among them, so that a host
        // can be tried out without a key.
        bool isCharged = options.PricePerTurnMicros is not null || context.IsHostPaid;
        return isCharged
            ? new ChatClientBuilder(client)
                .UseCredits(LedgerAccount.Credits(context.Caller), CallOf(context)).Build(context.Services)
            : client;
    }

    private static UsageCallOptions CallOf(ChatPipelineContext context)
    {
        CoachLlmOptions models = context.Services.GetRequiredService<IOptions<CoachLlmOptions>>().Value;
        return new UsageCallOptions(context.Caller)
        {
            Provider = context.Providers.Count == 1 ? context.Providers[0] : null,
            Candidates = [.. context.Providers.Select(provider => (provider, ModelOf(models, provider)))],
            IsHostPaid = context.IsHostPaid,
        };
    }

    private static string ModelOf(CoachLlmOptions options, string provider) => provider switch
    {
        ProviderNames.Gemini => options.Gemini.Model,
        ProviderNames.OpenAI => options.OpenAI.Model,
        ProviderNames.Anthropic => options.Anthropic.Model,
        ProviderNames.OpenRouter => options.OpenRouter.Model,
        ProviderNames.OpenAICompatible => options.OpenAICompatible.Model,
        _ => "",
    };
}
