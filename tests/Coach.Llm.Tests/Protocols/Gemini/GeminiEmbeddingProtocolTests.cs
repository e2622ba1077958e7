using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using Coach.Llm.Protocols.Gemini;
using Coach.Llm.Streaming;
using Coach.Testing;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Tests;

public sealed class GeminiEmbeddingProtocolTests
{
    [Fact]
    public void Read_EmbeddingsWithAdditions_AreReadAndCounted()
    {
        var vectors = new List<float[]>();
        var additions = new ProtocolAdditions();
        new GeminiEmbeddingProtocol(new GeminiOptions()).Read(
            """{"error":null,"new":{},"embeddings":[{"values":[1,0],"new":2},null]}"""u8, vectors, additions);
        Assert.Equal(("1,0", "fields 2"), (string.Join(',', Assert.Single(vectors)), additions.Kinds));
    }
}
