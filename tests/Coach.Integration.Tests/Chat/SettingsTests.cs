using System.Runtime.CompilerServices;
using Coach.Abstractions;
using Coach.Integration.Tests.Hosting;
using Coach.Llm;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Integration.Tests.Chat;

/// <summary>Settings of the session and the chat, as a deployment sets them.</summary>
public sealed class SettingsTests
{
    [Fact]
    public async Task SystemPromptAndCookieName_OfTheConfiguration_AreUsed()
    {
        var client = new Listener();
        await using ChatHost host = await ChatHost.StartAsync(
            values =>
            {
                values["Coach:Chat:SystemPrompt"] = "Answer like a lighthouse keeper.";
                values["Coach:Session:CookieName"] = "harbour";
            },
            waitForKnowledge: false,
            services: services => services.AddCoachLlm().AddProvider("foreign", (_, _) => client));
        using HttpClient visitor = host.NewVisitor();
        using HttpResponseMessage first = await visitor.GetAsync("/api/session");
        Assert.StartsWith("harbour=", Assert.Single(first.Headers.GetValues("Set-Cookie")), StringComparison.Ordinal);

        var session = SessionId.From((await first.JsonAsync()).GetProperty("sessionId").GetString()!);
        await host.Services.GetRequiredService<ISessionKeyStore>()
            .SetAsync(session, new ApiKey("foreign", Secret.From("some-key")));
        await visitor.AskAsync("When is the lamp lit?");
        Assert.Equal(
            (ChatRole.System, "Answer like a lighthouse keeper."), (client.Messages[0].Role, client.Messages[0].Text));
    }

    private sealed class Listener : IChatClient
    {
        public IReadOnlyList<ChatMessage> Messages { get; private set; } = [];

        public Task<ChatResponse> GetResponseAsync(
            IEnumerable<ChatMessage> messages,
            ChatOptions? options = null,
            CancellationToken cancellationToken = default) =>
            GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

        public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages,
            ChatOptions? options = null,
            [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            Messages = [.. messages];
            await Task.CompletedTask;
            yield return new ChatResponseUpdate(ChatRole.Assistant, "At nineteen hours.");
        }

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
        }
    }
}
