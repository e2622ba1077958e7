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
    [InlineData("identity", true)]
    public async Task Decode_BodyCodedThoughNotAsked_IsDecoded(string coding, bool isStream)
    {
        byte[] plain = Encoding.UTF8.GetBytes(isStream
            ? "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"
            : """{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}""");
        StubHandler handler = Coded(coding, Encode(coding, plain));
        IChatClient client = ProtocolHarness.Client("openai", handler);
        ChatResponse response = isStream
            ? await client.GetStreamingResponseAsync("hi", null, Token).ToChatResponseAsync(Token)
            : await client.GetResponseAsync("hi", null, Token);
        Assert.Equal("Hi", response.Text);
        Assert.DoesNotContain("accept-encoding", Assert.Single(handler.Requests).Headers.Keys);
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

    [Fact]
    public async Task Decode_BodyThatIsNotInItsCoding_IsATypedError()
    {
        LlmException failure = await Assert.ThrowsAsync<LlmException>(
            () => ProtocolHarness.Client("openai", Coded("gzip", "{\"choices\":[]}"u8.ToArray())).GetResponseAsync("hi", null, Token));
        Assert.Equal(LlmError.StreamInterrupted, failure.Error);
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
