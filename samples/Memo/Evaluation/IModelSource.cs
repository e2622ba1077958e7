using Coach.Abstractions;
using Coach.Llm;
using Memo.Configuration;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;

namespace Memo.Evaluation;

/// <summary>The model that judges, for as long as one evaluation lasts.</summary>
internal interface IModelSource
{
    /// <summary>Whether a key is there, so that evaluations are real.</summary>
    bool HasKey { get; }

    ValueTask<ModelLease> OpenAsync(LlmSettings settings, CancellationToken cancellationToken);
}

/// <summary>A client and what ends with it.</summary>
internal sealed class ModelLease(IChatClient client, params IDisposable[] parts) : IAsyncDisposable
{
    public IChatClient Client { get; } = client;

    public ValueTask DisposeAsync()
    {
        Client.Dispose();
        foreach (IDisposable part in parts)
        {
            part.Dispose();
        }

        return ValueTask.CompletedTask;
    }
}

/// <summary>The host's own keys: the configured provider first, then the second one with its own key.</summary>
internal sealed class HostModelSource(
    ISessionClientRegistry clients, ISecretSource secrets, IOptions<CoachHostOptions> host, SettingsStore settings)
    : IModelSource
{
    private static readonly SessionId Host = SessionId.From("memo-host");

    public bool HasKey => Keys(settings.Current.Llm).Any();

    public bool IsMock => host.Value.ModeOf(HasKey) == RunMode.Mock;

    public async ValueTask<ModelLease> OpenAsync(LlmSettings settings, CancellationToken cancellationToken)
    {
        var leases = new List<IDisposable>();
        var targets = new List<FallbackTarget>();
        try
        {
            foreach ((ApiKey key, string model) in Keys(settings))
            {
                ClientLease<IChatClient> lease = await clients.AcquireAsync<IChatClient>(Host, key, cancellationToken)
                    .ConfigureAwait(false);
                leases.Add(lease);
                targets.Add(new FallbackTarget(key.Provider, lease.Client, model));
            }

            if (targets.Count == 0)
            {
                throw new EvaluationException(
                    ErrorCodes.KeyMissing, "There is no key. Set ANTHROPIC_API_KEY or OPENAI_API_KEY, or COACH_MODE=mock.");
            }

            return new ModelLease(
                new FallbackChatClient(targets, new FallbackOptions { LeaveOpen = true }), [.. leases]);
        }
        catch
        {
            leases.ForEach(lease => lease.Dispose());
            throw;
        }
    }

    /// <summary>The keys that are set, in the order in which they are used.</summary>
    public IEnumerable<(ApiKey Key, string Model)> Keys(LlmSettings settings)
    {
        if (Find(settings.Provider) is { } first)
        {
            yield return (first, settings.Model);
        }

        bool hasSecond = settings.Fallback && settings.FallbackProvider != settings.Provider;
        if (hasSecond && Find(settings.FallbackProvider) is { } second)
        {
            yield return (second, settings.FallbackModel);
        }
    }

    private ApiKey? Find(string provider)
    {
        bool isClaude = provider == "claude";
        string name = isClaude ? "ANTHROPIC_API_KEY" : "OPENAI_API_KEY";
        return secrets.TryGet(name, out Secret? secret)
            ? new ApiKey(isClaude ? ProviderNames.Anthropic : ProviderNames.OpenAI, secret)
            : null;
    }
}
