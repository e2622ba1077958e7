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
    [InlineData("""{"data":[{"embedding":[1,0]},{"embedding":[0,1],"index":1}]}""")]
    [InlineData("""{"data":[{"embedding":[1,0],"index":1},{"embedding":[0,1],"index":1}]}""")]
    [InlineData("""{"data":[{"embedding":"AACAPwAAAAA=","index":0},{"embedding":"AAAAAAAAgD8=","index":1}]}""")]
    [InlineData("""{"data":[{"embedding":[[1,0]],"index":0},{"embedding":["AAAAAAAAgD8="],"index":1}]}""")]
    [InlineData("""{"data":[null,{"embedding":[0,1],"index":1},7,{"embedding":[1,0],"index":0}]}""")]
    public void Read_EmbeddingsWithAdditionsAndOddMembers_AreInOrder(string body)
    {
        var vectors = new List<float[]>();
        new OpenAIEmbeddingProtocol("openai", new OpenAIOptions(), "v1").Read(Encoding.UTF8.GetBytes(body), vectors, new ProtocolAdditions());
        Assert.Equal(["1,0", "0,1"], vectors.Select(vector => string.Join(',', vector)));
    }

    // A proxy that splits a request and joins the answers: each part is numbered from 0.
    [Fact]
    public void Read_NumbersThatBeginAgain_AreInTheOrderOfTheAnswer()
    {
        var vectors = new List<float[]>();
        new OpenAIEmbeddingProtocol("openai", new OpenAIOptions(), "v1").Read(
            """{"data":[{"embedding":[1],"index":0},{"embedding":[2],"index":1},{"embedding":[3],"index":0},{"embedding":[4],"index":1}]}"""u8,
            vectors, new ProtocolAdditions());
        Assert.Equal([1f, 2f, 3f, 4f], vectors.Select(vector => vector[0]));
    }

    [Fact]
    public void Read_VectorsOfBytes_AreToldByWhatTheyWouldBeAsFloats()
    {
        var vectors = new List<float[]>();
        string bytes = Convert.ToBase64String([0x01, 0xFF, 0x80, 0x7F, 0x02, 0xFE, 0xC0, 0xFF]);
        new OpenAIEmbeddingProtocol("openai", new OpenAIOptions(), "v1").Read(
            Encoding.UTF8.GetBytes($$"""{"data":[{"embedding":"{{bytes}}","index":0}]}"""), vectors, new ProtocolAdditions());
        Assert.Equal([1f, -1f, -128f, 127f, 2f, -2f, -64f, -1f], Assert.Single(vectors));
    }

    [Theory]
    [InlineData("""{"data":[{"embedding":"no base64!","index":0}]}""")]
    [InlineData("""{"data":[{"embedding":"AACA","index":0}]}""")]
    [InlineData("""{"data":[{"embedding":"","index":0}]}""")]
    [InlineData("""{"data":[{"embedding":[[1,0],[0,1]],"index":0}]}""")]
    [InlineData("""{"data":[{"embedding":[1,0],"index":0},{"embedding":[0,1],"index":2}]}""")]
    public void Read_WhatIsNoVector_IsMalformed(string body) => Assert.Throws<ProtocolException>(() =>
        new OpenAIEmbeddingProtocol("openai", new OpenAIOptions(), "v1").Read(Encoding.UTF8.GetBytes(body), [], new ProtocolAdditions()));
}
