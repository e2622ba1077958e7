using System.ClientModel;
using Anthropic;
using Anthropic.Core;
using Anthropic.Exceptions;
using Coach.Abstractions;
using Coach.Llm;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using OpenAI;

namespace Coach.Rules.Tests.Snippets;

internal static class LlmSnippets
{
    public static void Registration(IServiceCollection services)
    {
        #region llm-registration
        services.AddCoachLlm(options =>
        {
            options.Sessions.MaxSessions = 5_000;
            options.Gemini.Model = "gemini-3.8-flash";
        });
        #endregion
    }

    public static async Task Chat(
        IApiKeyValidator validator, ISessionKeyStore keys, ISessionClientRegistry clients, SessionId session, string text, CancellationToken cancellationToken)
    {
        #region llm-session
        // Once: a person enters a key. The check costs no tokens.
        var key = new ApiKey(ProviderNames.Gemini, Secret.From(text));
        KeyValidation outcome = await validator.ValidateAsync(key, tenant: "acme", cancellationToken);
        Console.WriteLine($"{outcome.Status}: {outcome.Message}"); // Valid: Gemini accepts the key.
        outcome.EnsureValid();
        await keys.SetAsync(session, key, cancellationToken);

        // Each request: the session's own client, alive for as long as the lease.
        if (await keys.GetAsync(session, ProviderNames.Gemini, cancellationToken) is { } stored)
        {
            using ClientLease<IChatClient> lease = await clients.AcquireAsync<IChatClient>(session, stored, cancellationToken);
            await foreach (ChatResponseUpdate update in lease.Client.GetStreamingResponseAsync("What is on the menu?", cancellationToken: cancellationToken))
            {
                Console.Write(update.Text);
            }
        }
        #endregion
    }

    public static async Task SignOut(ISessionKeyStore keys, ISessionClientRegistry clients, SessionId session)
    {
        #region llm-sign-out
        await keys.RemoveAsync(session);
        await clients.RemoveAsync(session); // calls in flight finish first
        #endregion
    }

    public static void OwnProvider(IServiceCollection services)
    {
        #region llm-own-provider
        services.AddCoachLlm()
            .AddProvider("acme", (provider, key) => new AcmeChatClient(key.Secret.Reveal()))
            .AddKeyValidator("acme", async (provider, key, cancellationToken) => await AcmeChatClient.IsKnownAsync(key, cancellationToken)
                ? new KeyValidation(KeyStatus.Valid, "Acme accepts the key.", IsAuthentic: true)
                : new KeyValidation(KeyStatus.Invalid, "Acme does not know this key.", IsAuthentic: false));
        #endregion
    }

    public static void SdkProviders(IServiceCollection services)
    {
        #region llm-sdk-providers
        services.AddCoachLlm()
            .AddProvider("openai-sdk",
                (provider, key) => new OpenAIClient(key.Secret.Reveal()).GetChatClient("gpt-6-luna").AsIChatClient(),
                exception => exception is ClientResultException failure
                    ? new ProviderFailure(failure.Status, failure.GetRawResponse()?.Content.ToString(), failure.GetRawResponse()?.Headers)
                    : null)
            .AddProvider("anthropic-sdk",
                (provider, key) => new AnthropicClient(new ClientOptions { ApiKey = key.Secret.Reveal() }).AsIChatClient("claude-haiku-5-5", 2048),
                exception => exception switch
                {
                    AnthropicApiException failure => new ProviderFailure((int)failure.StatusCode, failure.ResponseBody),
                    AnthropicSseException failure => new ProviderFailure(null, failure.Body.GetRawText()), // inside a stream
                    _ => null,
                });
        #endregion
    }

    public static async Task Errors(IChatClient client)
    {
        #region llm-errors
        try
        {
            await client.GetResponseAsync("Hello");
        }
        catch (LlmException failure) when (failure.Error == LlmError.QuotaExhausted)
        {
            Console.WriteLine(failure.Message); // Gemini knows the key, but its quota or credit is used up. Top up, …
        }
        catch (LlmException failure) when (failure.IsTransient)
        {
            Console.WriteLine($"Try again in {failure.RetryAfter ?? TimeSpan.FromSeconds(5)}.");
        }
        #endregion
    }

    public static async Task Fallback(ClientLease<IChatClient> gemini, ClientLease<IChatClient> anthropic)
    {
        #region llm-fallback
        using var client = new FallbackChatClient(
            [new FallbackTarget("gemini", gemini.Client), new FallbackTarget("anthropic", anthropic.Client)],
            new FallbackOptions { FirstTokenTimeout = TimeSpan.FromSeconds(8), LeaveOpen = true });
        ChatResponse response = await client.GetResponseAsync("What is on the menu?");
        Console.WriteLine(response.AdditionalProperties?[FallbackChatClient.TargetProperty]); // gemini, or anthropic when gemini was down
        #endregion
    }

    public static async Task SessionFallback(SessionChatClients sessions, SessionId session, CancellationToken cancellationToken)
    {
        #region llm-session-fallback
        // All keys of the session that can chat, in the order of Coach:Llm:ChatOrder; null without one.
        using FallbackChatClient? client = await sessions.OpenAsync(session, cancellationToken);
        if (client is not null)
        {
            ChatResponse response = await client.GetResponseAsync("What is on the menu?", cancellationToken: cancellationToken);
            Console.WriteLine(response.AdditionalProperties?[FallbackChatClient.TargetProperty]); // gemini, or the next provider the person has a key for
        }
        #endregion
    }

    public static void SharedKeys(IServiceCollection services)
    {
        #region llm-shared-keys
        services.AddCoachLlm().UseDistributedSessionKeys(options => options.Application = "barista");
        #endregion
    }

    public static void Pipeline(IServiceCollection services, IReadOnlyDictionary<string, decimal> prices)
    {
        #region llm-pipeline
        services.AddCoachLlm().Chat
            .UseSystemPrompt(context => $"You serve the guests of {context.Caller.TenantId ?? "the bar"}. Be short.")
            .WithGuard<NoCardNumbers>()
            .WithTool(AIFunctionFactory.Create((string dish) => prices[dish], "price", "What a dish costs."))
            .Use(ChatStage.Usage, ChatStagePlace.Within, (client, context) => new MeteredChatClient(client, context.Provider));
        #endregion
    }

    public static async Task Ask(ChatPipelineFactory pipelines, SessionId session, CancellationToken cancellationToken)
    {
        #region llm-ask
        var caller = new CallerContext(session, userId: "anna", tenantId: "acme");
        using ChatPipeline pipeline = await pipelines.CreateAsync(caller, conversationId: "dinner", cancellationToken: cancellationToken);
        await foreach (ChatResponseUpdate update in pipeline.Client.GetStreamingResponseAsync("And for dessert?", cancellationToken: cancellationToken))
        {
            Console.Write(update.Text);
        }
        #endregion
    }

    #region llm-guard
    public sealed class NoCardNumbers : IChatGuard
    {
        public int OutputContextLength => 32; // enough to see a number that arrives in parts

        public ValueTask<GuardDecision> CheckInputAsync(
            IReadOnlyList<ChatMessage> messages, ChatPipelineContext context, CancellationToken cancellationToken = default) =>
            new(Decide(messages[^1].Text));

        public ValueTask<GuardDecision> CheckOutputAsync(
            string answer, ChatPipelineContext context, CancellationToken cancellationToken = default) =>
            new(Decide(answer));

        private static GuardDecision Decide(string text) => text.Count(char.IsAsciiDigit) < 13
            ? GuardDecision.Allow
            : GuardDecision.Refuse("Card numbers are neither taken nor told here.");
    }
    #endregion

    public sealed class MeteredChatClient(IChatClient inner, string provider) : DelegatingChatClient(inner)
    {
        public override object? GetService(Type serviceType, object? serviceKey = null) =>
            serviceKey is null && serviceType == typeof(string) ? provider : base.GetService(serviceType, serviceKey);
    }

    private sealed class AcmeChatClient(string key) : IChatClient
    {
        public static Task<bool> IsKnownAsync(ApiKey key, CancellationToken cancellationToken) => Task.FromResult(!cancellationToken.IsCancellationRequested && key.Fingerprint.Length > 0);

        public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, $"{key.Length}")));

        public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null,
            [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            await Task.CompletedTask;
            yield return new ChatResponseUpdate(ChatRole.Assistant, "Hello");
        }

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
        }
    }
}
