using System.Net;
using Coach.Abstractions;
using Coach.Llm.Hosting;
using Coach.Llm.Providers;
using Coach.Testing;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging.Testing;

namespace Coach.Llm.Tests;

/// <summary>Feeds bytes to a provider's client as if they came from its server.</summary>
internal static class ProtocolHarness
{
    public static IReadOnlyList<(string Name, string Provider)> Streams { get; } =
    [
        ("gemini-text", ProviderNames.Gemini), ("gemini-tools", ProviderNames.Gemini), ("openai-text", ProviderNames.OpenAI),
        ("openai-tools", ProviderNames.OpenAI), ("openrouter-text", ProviderNames.OpenRouter), ("anthropic-tools", ProviderNames.Anthropic),
    ];

    public static byte[] Recorded(string name) =>
        File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Fixtures", "streams", name + ".sse"));

    public static IChatClient Client(
        string provider, HttpMessageHandler handler, CoachLlmOptions? options = null, FakeLogCollector? logs = null)
    {
        options ??= new CoachLlmOptions();
        options.OpenAI.Protocol ??= OpenAIOptions.ChatCompletions; // at its public address it is the other one
        ProviderCatalog providers = BuiltInProviders.Create(options);
        var connection = new ProviderConnection(
            new LlmHttp(new OneHandler(handler)), providers, options.Requests,
            new ChatDefaults(options.Temperature, options.MaxOutputTokens), TimeProvider.System, logs?.Factory());
        string known = provider == ProviderNames.OpenAICompatible ? ProviderNames.OpenAI : provider; // which has an address
        return new ProviderChatClient(providers[known].CreateChat()!, connection, new RefusedParameters(TimeProvider.System, logs?.Factory()), new ApiKey(provider, Secret.From("a-key-for-tests")));
    }

    public static async Task<ProtocolResult> ReadAsync(
        string provider, byte[] body, ResponseDelivery? delivery = null, FakeLogCollector? logs = null, CoachLlmOptions? options = null,
        ChatOptions? chat = null)
    {
        using var handler = new ScriptedHttpHandler();
        handler.Answer(HttpStatusCode.OK, body, "text/event-stream", delivery);
        var updates = new List<ChatResponseUpdate>();
        await foreach (ChatResponseUpdate update in Client(provider, handler, options, logs).GetStreamingResponseAsync("hi", chat, CancellationToken.None))
        {
            updates.Add(update);
        }

        Assert.Equal(1, handler.ClosedBodies);
        ChatResponse response = updates.ToChatResponse();
        return new ProtocolResult(
            string.Concat(updates.Select(update => update.Text)),
            string.Join(';', updates.SelectMany(update => update.Contents).OfType<FunctionCallContent>()
                .Select(call => $"{call.Name}({string.Join(',', (call.Arguments ?? new Dictionary<string, object?>()).Select(pair => $"{pair.Key}={pair.Value}"))})")),
            updates.Sum(update => update.Contents.Count(content => content is FunctionCallContent)),
            response.Usage?.TotalTokenCount)
        {
            Thoughts = string.Concat(updates.SelectMany(update => update.Contents).OfType<TextReasoningContent>().Select(thought => thought.Text)),
            Finish = response.FinishReason?.Value,
            Errors = string.Join(';', updates.SelectMany(update => update.Contents).OfType<ErrorContent>().Select(error => error.ErrorCode)),
        };
    }

    private sealed class OneHandler(HttpMessageHandler handler) : IHttpClientFactory
    {
        public HttpClient CreateClient(string name) => new(handler, disposeHandler: false) { Timeout = Timeout.InfiniteTimeSpan };
    }
}

internal sealed record ProtocolResult(string Text, string Calls, int CallCount, long? TotalTokens)
{
    public string Thoughts { get; init; } = "";

    public string? Finish { get; init; }

    public string Errors { get; init; } = "";
}
