using Coach.Llm.Keys;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Llm.Tests;

public sealed class NearestModelsTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("gpt-6-lunar", "gpt-6-luna")]
    [InlineData("gpt6-luna", "gpt-6-luna")]
    [InlineData("gpt-6.1", "gpt-6.1-sol")]
    [InlineData("claude", "claude-haiku-5-5")]
    public void Of_AMistypedName_BeginsWithTheOneThatWasMeant(string asked, string meant) => Assert.Equal(
        meant, NearestModels.Of(asked, ["text-embedding-3-small", "gpt-6.1-sol", "gpt-6-luna", "claude-haiku-5-5", "no name", "gpt-6-astra"])[0]);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Call_ForAModelThatTheKeyLacks_NamesTheNearestThatItHas(bool isStream)
    {
        StubHandler server = new((request, _) => Task.FromResult(request.Method == HttpMethod.Get
            ? StubHandler.Response(200, """{"object":"list","data":[{"id":"gpt-6-luna"},{"id":"gpt-6.1-sol"},{"id":"whisper-1"},{"id":"gpt-6-astra"}]}""")
            : StubHandler.Response(404, """{"error":{"message":"The model 'gpt-6-lunar' does not exist","type":"invalid_request_error","code":"model_not_found"}}""")));
        await using ServiceProvider host = LlmHost.Build(server);
        using ClientLease<IChatClient> lease = await host.GetRequiredService<ISessionClientRegistry>().AcquireAsync<IChatClient>(
            Coach.Abstractions.SessionId.From("s"), LlmHost.Key("openai", "sk-key-of-this-test"), Token);
        var options = new ChatOptions { ModelId = "gpt-6-lunar" };

        LlmException failure = await Assert.ThrowsAsync<LlmException>(() => isStream
            ? lease.Client.GetStreamingResponseAsync("hi", options, Token).ToChatResponseAsync(Token)
            : lease.Client.GetResponseAsync("hi", options, Token));

        Assert.Equal(LlmError.ModelNotFound, failure.Error);
        Assert.Equal("ERR_MODEL_NOT_FOUND", failure.Code);
        Assert.Equal(["gpt-6-luna", "gpt-6-astra", "gpt-6.1-sol"], failure.NearestModels);
        Assert.Contains("The nearest that this key has: gpt-6-luna, gpt-6-astra, gpt-6.1-sol.", failure.Message, StringComparison.Ordinal);
    }
}
