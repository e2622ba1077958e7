using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using Coach.Testing;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Tests;

public sealed class ContentCodingTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("gzip", true)]
    [InlineData("x-gzip", false)]
    [InlineData("br", true)]
    [InlineData("deflate", false)]
    [InlineData("raw deflate", false)]
    [InlineData("identity", true)]
    public async Task Decode_BodyCodedThoughNotAsked_IsDecoded(string coding, bool isStream)
    {
        byte[] plain = Encoding.UTF8.GetBytes(isStream
            ? "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"
            : """{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}""");
        StubHandler handler = Coded(coding.Split(' ')[^1], Encode(coding, plain));
        IChatClient client = ProtocolHarness.Client("openai", handler);
        ChatResponse response = isStream
            ? await client.GetStreamingResponseAsync("hi", null, Token).ToChatResponseAsync(Token)
            : await client.GetResponseAsync("hi", null, Token);
        Assert.Equal("Hi", response.Text);

        // Compression holds back a stream's events, so only whole answers ask for it.
        IReadOnlyDictionary<string, string> headers = Assert.Single(handler.Requests).Headers;
        Assert.Equal(isStream ? null : "gzip,br", headers.GetValueOrDefault("accept-encoding"));
    }

    [Theory]
    [InlineData("zstd", "zstd")]
    [InlineData("x-secret-1234", "of another kind")]
    public async Task Decode_BodyInACodingThatIsNotKnown_IsNamedAndNeverGarbage(string coding, string named)
    {
        LlmException failure = await Assert.ThrowsAsync<LlmException>(
            () => ProtocolHarness.Client("openai", Coded(coding, [1, 2, 3])).GetResponseAsync("hi", null, Token));
        Assert.Equal(LlmError.InvalidResponse, failure.Error);
        Assert.Contains(named, failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    public async Task Decode_BodyThatAProxyDecodedAlready_IsTakenAsItIs(string coding)
    {
        byte[] body = """{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}"""u8.ToArray();
        ChatResponse response = await ProtocolHarness.Client("openai", Coded(coding, body)).GetResponseAsync("hi", null, Token);
        Assert.Equal("Hi", response.Text);
    }

    [Theory]
    [InlineData("gzip", new byte[] { 0x1F, 0x8B, 1, 2, 3 })]
    [InlineData("br", new byte[] { 0xFF, 0xFF, 0xFF, 2, 3 })]
    [InlineData("deflate", new byte[] { 0x78, 0x9C, 0xFF, 0xFF, 3 })]
    public async Task Decode_BodyThatIsDamaged_IsATypedError(string coding, byte[] body)
    {
        LlmException failure = await Assert.ThrowsAsync<LlmException>(
            () => ProtocolHarness.Client("openai", Coded(coding, body)).GetResponseAsync("hi", null, Token));
        Assert.Contains(failure.Error, (LlmError[])[LlmError.StreamInterrupted, LlmError.InvalidResponse]);
    }

    private static StubHandler Coded(string coding, byte[] body) => StubHandler.Always(() =>
    {
        var response = new HttpResponseMessage { Content = new ByteArrayContent(body) };
        response.Content.Headers.TryAddWithoutValidation("Content-Type", "application/json");
        response.Content.Headers.TryAddWithoutValidation("Content-Encoding", coding);
        return response;
    });

    private static byte[] Encode(string coding, byte[] plain)
    {
        using var coded = new MemoryStream();
        using (Stream writer = coding switch
        {
            "gzip" or "x-gzip" => new GZipStream(coded, CompressionLevel.Fastest, leaveOpen: true),
            "br" => new BrotliStream(coded, CompressionLevel.Fastest, leaveOpen: true),
            "raw deflate" => new DeflateStream(coded, CompressionLevel.Fastest, leaveOpen: true),
            "deflate" => new ZLibStream(coded, CompressionLevel.Fastest, leaveOpen: true),
            _ => new BufferedStream(coded),
        })
        {
            writer.Write(plain);
            writer.Flush();
            return coding == "identity" ? coded.ToArray() : Closed(writer, coded);
        }
    }

    private static byte[] Closed(Stream writer, MemoryStream coded)
    {
        writer.Dispose();
        return coded.ToArray();
    }
}
