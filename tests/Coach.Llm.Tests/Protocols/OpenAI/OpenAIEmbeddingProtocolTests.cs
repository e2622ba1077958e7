using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using Coach.Llm.Protocols.OpenAI;
using Coach.Llm.Streaming;
using Coach.Testing;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Tests;

public sealed class OpenAIEmbeddingProtocolTests
{
    [Theory]
    [InlineData("""{"object":"list","new":1,"data":[{"embedding":[1,0],"index":null,"new":[]},{"embedding":[0,1]}],"usage":"odd","error":{}}""")]
    [InlineData("""{"data":[{"embedding":[1,0],"index":0},{"embedding":[0,1],"index":0}],"usage":null,"error":null}""")]
    [InlineData("""{"data":[null,{"embedding":[0,1],"index":1},7,{"embedding":[1,0],"index":0}]}""")]
    public void Read_EmbeddingsWithAdditionsAndOddMembers_AreInOrder(string body)
    {
        var vectors = new List<float[]>();
        new OpenAIEmbeddingProtocol("openai", new OpenAIOptions(), "v1").Read(Encoding.UTF8.GetBytes(body), vectors, new ProtocolAdditions());
        Assert.Equal(["1,0", "0,1"], vectors.Select(vector => string.Join(',', vector)));
    }
}
