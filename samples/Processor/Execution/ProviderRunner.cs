using System.Runtime.CompilerServices;
using Coach.Abstractions;
using Coach.Llm;
using Coach.Usage;
using Microsoft.Extensions.AI;
using Processor.Registry;

namespace Processor.Execution;

/// <summary>
/// Answers of a real model, by Coach.Llm: OpenAI, or the OpenAI-compatible server that <c>LITELLM_API_BASE</c> names.
/// Each run is a session of its own, so that no run waits for another's limits and none gets another's client; what all
/// of them use is reserved and settled against <c>Coach:Usage:Limits</c>, and kept in the ledger.
/// </summary>
internal sealed class ProviderRunner(
    ISessionClientRegistry clients, ISecretSource secrets, IServiceProvider services) : IModelRunner
{
    internal const string KeyName = "OPENAI_API_KEY";
    internal const string BaseName = "LITELLM_API_BASE";

    private static readonly CallerContext Host = new(SessionId.From("processor"));

    public async IAsyncEnumerable<ModelChunk> RunAsync(
        RunRequest request, RegistryFile registry, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string provider = secrets.TryGet(BaseName, out _) ? ProviderNames.OpenAICompatible : ProviderNames.OpenAI;
        var key = new ApiKey(provider, secrets.Get(KeyName, RunMode.Real));
        var options = new ChatOptions
        {
            ModelId = request.Model.Length > 0 ? request.Model : registry.Model,
            MaxOutputTokens = request.MaxOutputTokens,
        };
        SessionId session = SessionId.From("run-" + Guid.NewGuid().ToString("N"));
        try
        {
            using ClientLease<IChatClient> lease =
                await clients.AcquireAsync<IChatClient>(session, key, cancellationToken);
            var call = new UsageCallOptions(Host) { Provider = provider.ToLowerInvariant(), IsHostPaid = true };
            IChatClient client = lease.Client.AsBuilder().UseBudget(call).UseUsage(call).Build(services);
            await foreach (ChatResponseUpdate update in
                client.GetStreamingResponseAsync(request.Messages, options, cancellationToken))
            {
                UsageDetails? usage = update.Contents.OfType<UsageContent>().LastOrDefault()?.Details;
                if (update.Text.Length > 0 || usage is not null)
                {
                    yield return new ModelChunk(update.Text, usage is null ? null : UsageCounts.From(usage));
                }
            }
        }
        finally
        {
            await clients.RemoveAsync(session, CancellationToken.None);
        }
    }
}
