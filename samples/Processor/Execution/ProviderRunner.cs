using System.Runtime.CompilerServices;
using Coach.Abstractions;
using Coach.Llm;
using Microsoft.Extensions.AI;
using Processor.Registry;

namespace Processor.Execution;

/// <summary>
/// Answers of a real model, by Coach.Llm: OpenAI, or the OpenAI-compatible server that <c>LITELLM_API_BASE</c> names.
/// Each run is a session of its own, so that no run waits for another's limits and none gets another's client.
/// </summary>
internal sealed class ProviderRunner(ISessionClientRegistry clients, ISecretSource secrets) : IModelRunner
{
    internal const string KeyName = "OPENAI_API_KEY";
    internal const string BaseName = "LITELLM_API_BASE";

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
            await foreach (ChatResponseUpdate update in
                lease.Client.GetStreamingResponseAsync(request.Messages, options, cancellationToken))
            {
                UsageDetails? usage = update.Contents.OfType<UsageContent>().LastOrDefault()?.Details;
                if (update.Text.Length > 0 || usage is not null)
                {
                    yield return new ModelChunk(update.Text, usage?.InputTokenCount, usage?.OutputTokenCount);
                }
            }
        }
        finally
        {
            await clients.RemoveAsync(session, CancellationToken.None);
        }
    }
}
