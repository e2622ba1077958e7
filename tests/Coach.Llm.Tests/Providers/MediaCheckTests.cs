using System.Text.Json.Nodes;
using Coach.Llm.Protocols.Gemini;
using Coach.Testing;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Tests;

/// <summary>Pictures, sounds and files in messages: each provider's form, and what is refused.</summary>
public sealed class MediaCheckTests
{
    private static readonly byte[] Bytes = [0x89, 0x50, 0x4E, 0x47, 0xFF, 0x00];
    private static readonly string Base64 = Convert.ToBase64String(Bytes);

    public static TheoryData<string> Providers => [.. ProviderHost.ChatProviders];

    public static TheoryData<string, string> Refused => new()
    {
        { "openai", "audio/ogg" }, { "openai", "application/zip" }, { "openrouter", "video/mp4" }, { "openai-compatible", "application/octet-stream" },
        { "anthropic", "audio/mpeg" }, { "anthropic", "application/json" }, { "gemini", "application/zip" }, { "gemini", "application/octet-stream" },
    };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("gemini", "image/png", """{"inlineData":{"mimeType":"image/png","data":"BYTES"}}""")]
    [InlineData("gemini", "audio/wav", """{"inlineData":{"mimeType":"audio/wav","data":"BYTES"}}""")]
    [InlineData("gemini", "application/pdf", """{"inlineData":{"mimeType":"application/pdf","data":"BYTES"}}""")]
    [InlineData("anthropic", "image/png", """{"type":"image","source":{"type":"base64","media_type":"image/png","data":"BYTES"}}""")]
    [InlineData("anthropic", "application/pdf", """{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"BYTES"}}""")]
    [InlineData("openai", "image/png", """{"type":"image_url","image_url":{"url":"data:image/png;base64,BYTES"}}""")]
    [InlineData("gemini", "image/jpg", """{"inlineData":{"mimeType":"image/jpeg","data":"BYTES"}}""")]
    [InlineData("anthropic", "image/jpg", """{"type":"image","source":{"type":"base64","media_type":"image/jpeg","data":"BYTES"}}""")]
    [InlineData("anthropic", "IMAGE/PNG; q=1", """{"type":"image","source":{"type":"base64","media_type":"image/png","data":"BYTES"}}""")]
    [InlineData("openai", "image/jpg", """{"type":"image_url","image_url":{"url":"data:image/jpeg;base64,BYTES"}}""")]
    [InlineData("openai", "audio/x-wav", """{"type":"input_audio","input_audio":{"data":"BYTES","format":"wav"}}""")]
    [InlineData("openai", "application/pdf", """{"type":"file","file":{"filename":"document.pdf","file_data":"data:application/pdf;base64,BYTES"}}""")]
    [InlineData("openrouter", "image/jpeg", """{"type":"image_url","image_url":{"url":"data:image/jpeg;base64,BYTES"}}""")]
    [InlineData("openai-compatible", "image/webp", """{"type":"image_url","image_url":{"url":"data:image/webp;base64,BYTES"}}""")]
    public async Task GetResponseAsync_InlineData_TravelsInTheProvidersForm(string provider, string mediaType, string expected) =>
        await AssertPartAsync(provider, new DataContent(Bytes, mediaType), expected.Replace("BYTES", Base64, StringComparison.Ordinal));

    [Theory]
    [InlineData("gemini", "image/png", """{"fileData":{"mimeType":"image/png","fileUri":"https://example.org/a"}}""")]
    [InlineData("anthropic", "image/png", """{"type":"image","source":{"type":"url","url":"https://example.org/a"}}""")]
    [InlineData("anthropic", "application/pdf", """{"type":"document","source":{"type":"url","url":"https://example.org/a"}}""")]
    [InlineData("openai", "image/png", """{"type":"image_url","image_url":{"url":"https://example.org/a"}}""")]
    public async Task GetResponseAsync_DataByAddress_TravelsInTheProvidersForm(string provider, string mediaType, string expected) =>
        await AssertPartAsync(provider, new UriContent(new Uri("https://example.org/a"), mediaType), expected);

    [Theory, MemberData(nameof(Refused))]
    public async Task GetResponseAsync_MediaTheProviderDoesNotTake_IsRefusedBeforeAnythingIsSent(string provider, string mediaType)
    {
        await using ProviderHost host = await ProviderHost.StartAsync();
        IChatClient chat = host.Chat(provider);
        foreach (AIContent content in (AIContent[])[new DataContent(Bytes, mediaType), new UriContent(new Uri("https://example.org/a"), mediaType)])
        {
            ChatMessage[] messages = [new(ChatRole.User, [new TextContent("What is this?"), content])];
            LlmException whole = await Assert.ThrowsAsync<LlmException>(() => chat.GetResponseAsync(messages, null, Token));
            LlmException stream = await Assert.ThrowsAsync<LlmException>(
                async () => await chat.GetStreamingResponseAsync(messages, null, Token).ToListAsync(Token));

            Assert.Equal(LlmError.RequestRejected, whole.Error);
            Assert.Equal("ERR_REQUEST_INVALID", whole.Code);
            Assert.False(whole.IsTransient);
            Assert.Equal($"Provider '{provider}' takes no content of type '{mediaType}'. Send it as text, convert it, or use another provider.", whole.Message);
            Assert.Equal(whole.Message, stream.Message);
        }

        Assert.Empty(host.Fake.Requests);
    }

    [Theory, MemberData(nameof(Providers))]
    public async Task GetResponseAsync_MediaAtAndAboveTheLimit_IsSentAndRefused(string provider)
    {
        await using ProviderHost host = await ProviderHost.StartAsync(configure: options => options.Requests.MaxMediaBytes = 2048);
        IChatClient chat = host.Chat(provider);
        await chat.GetResponseAsync([Message(1024), Message(1024)], null, Token);

        LlmException failure = await Assert.ThrowsAsync<LlmException>(() => chat.GetResponseAsync([Message(1024), Message(1025)], null, Token));

        Assert.Equal(LlmError.RequestRejected, failure.Error);
        Assert.Contains("more than 2048 bytes", failure.Message, StringComparison.Ordinal);
        Assert.Single(host.Fake.Requests);

        static ChatMessage Message(int bytes) => new(ChatRole.User, [new TextContent("Look."), new DataContent(new byte[bytes], "image/png")]);
    }

    [Fact]
    public async Task GetStreamingResponseAsync_PictureInGeminisAnswer_ArrivesAsData()
    {
        string answer = $$$"""{"candidates":[{"content":{"parts":[{"text":"Here: "},{"inlineData":{"mimeType":"image/png","data":"{{{Base64}}}"}}]},"finishReason":"STOP"}]}""";
        var decoder = new GeminiStreamDecoder("origin", 0);
        ChatResponseUpdate update = decoder.Decode([], System.Text.Encoding.UTF8.GetBytes(answer))!;
        DataContent data = Assert.Single(update.Contents.OfType<DataContent>());
        Assert.Equal("image/png", data.MediaType);
        Assert.Equal(Bytes, data.Data.ToArray());
        await Task.CompletedTask;
    }

    private static async Task AssertPartAsync(string provider, AIContent content, string expected)
    {
        await using ProviderHost host = await ProviderHost.StartAsync();

        await host.Chat(provider).GetResponseAsync([new ChatMessage(ChatRole.User, [new TextContent("What is this?"), content])], null, Token);

        JsonNode sent = JsonNode.Parse(Assert.Single(host.Fake.Requests).Body)!;
        JsonArray parts = (provider == ProviderNames.Gemini ? sent["contents"]![0]!["parts"] : sent["messages"]![0]!["content"])!.AsArray();
        Assert.Equal(2, parts.Count);
        Assert.Equal("What is this?", (string?)parts[0]!["text"]);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected), parts[1]), parts[1]!.ToJsonString());
    }
}
