using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Text.Json;
using Coach.Rag.Embeddings;
using Coach.Rag.Embeddings.Encoders;
using Microsoft.Extensions.AI;

namespace Coach.Rag.MiniLM.Tests.Models;

public sealed class MiniLMModelTests : IDisposable
{
    // Made by ONNX Runtime in 32-bit arithmetic: Coach.Proofs -- encoder --reference FILE.
    private static readonly Reference[] References = ReadReferences();

    private readonly EncoderEmbeddingGenerator _encoder = MiniLMModel.Open(2);

    public void Dispose() => _encoder.Dispose();

    [Fact]
    public async Task GenerateAsync_Texts_AreWithinAFewThousandthsOfFloatArithmetic()
    {
        GeneratedEmbeddings<Embedding<float>> answer = await _encoder.GenerateAsync(References.Select(r => r.Text));
        Assert.Equal(References.Length, answer.Count);
        for (int i = 0; i < References.Length; i++)
        {
            AssertNear(References[i], answer[i].Vector.Span);
        }
    }

    [Theory]
    [InlineData("avx-vnni")]
    [InlineData("avx-512")]
    [InlineData("avx2")]
    [InlineData("arm-dot")]
    [InlineData("portable")]
    public void Run_EveryKernelOfThisProcessor_IsWithinAFewThousandthsOfFloatArithmetic(string kernel)
    {
        switch (kernel)
        {
            case "avx-vnni": RunAll<AvxVnniMatrixKernel>(); break;
            case "avx-512": RunAll<Avx512MatrixKernel>(); break;
            case "avx2": RunAll<Avx2MatrixKernel>(); break;
            case "arm-dot": RunAll<ArmMatrixKernel>(); break;
            default: RunAll<PortableMatrixKernel>(); break;
        }
    }

    [Fact]
    public async Task GenerateAsync_OneByOneOrTogether_GivesTheSameVectors()
    {
        string[] texts = [.. References.Select(reference => reference.Text)];
        GeneratedEmbeddings<Embedding<float>> together = await _encoder.GenerateAsync(texts);
        for (int i = 0; i < texts.Length; i++)
        {
            GeneratedEmbeddings<Embedding<float>> alone = await _encoder.GenerateAsync([texts[i]]);
            Assert.Equal(together[i].Vector.ToArray(), alone[0].Vector.ToArray());
        }
    }

    [Fact]
    public async Task GenerateAsync_ManyCallersAtOnce_AllGetTheirOwn()
    {
        string[] texts = [.. Enumerable.Range(0, 24).Select(i => $"text number {i}")];
        GeneratedEmbeddings<Embedding<float>>[] answers = await Task.WhenAll(
            Enumerable.Range(0, 6).Select(_ => Task.Run(() => _encoder.GenerateAsync(texts))));
        Assert.All(answers, answer => Assert.Equal(
            answers[0].Select(embedding => embedding.Vector.ToArray()),
            answer.Select(embedding => embedding.Vector.ToArray())));
    }

    [Fact]
    public async Task GenerateAsync_AMegabyteOfText_ReadsItsFirstTokens()
    {
        string text = string.Concat(Enumerable.Repeat("the door is blue ", 60_000));
        GeneratedEmbeddings<Embedding<float>> answer = await _encoder.GenerateAsync([text, text[..5000]]);
        Assert.Equal(answer[1].Vector.ToArray(), answer[0].Vector.ToArray());
        Assert.Equal(512, answer.Usage!.InputTokenCount);
    }

    [Theory]
    [InlineData("a")]
    [InlineData("\u0001\u0002\u0007")]
    [InlineData(" \t\r\n")]
    [InlineData("\ud800")]
    [InlineData("\udc00\ud800x")]
    public async Task GenerateAsync_OddText_GivesAVectorOfLengthOne(string text)
    {
        GeneratedEmbeddings<Embedding<float>> answer = await _encoder.GenerateAsync([text]);
        Assert.Equal(1, TensorPrimitives.Norm(answer[0].Vector.Span), 0.0001f);
    }

    [Fact]
    public async Task GenerateAsync_NoTexts_GivesNoVectors() => Assert.Empty(await _encoder.GenerateAsync([]));

    [Fact]
    public async Task GenerateAsync_Meaning_IsNearerThanWords()
    {
        GeneratedEmbeddings<Embedding<float>> answer = await _encoder.GenerateAsync(
            ["How do I get my money back?", "Refunds are paid within five days.", "How do I get my bike back home?"]);
        float refund = TensorPrimitives.Dot(answer[0].Vector.Span, answer[1].Vector.Span);
        float bike = TensorPrimitives.Dot(answer[0].Vector.Span, answer[2].Vector.Span);
        Assert.True(refund > bike, $"{refund} against {bike}");
    }

    [Fact]
    public async Task GenerateAsync_AnotherDimension_IsRefused() =>
        await Assert.ThrowsAsync<ArgumentException>(
            () => _encoder.GenerateAsync(["a"], new EmbeddingGenerationOptions { Dimensions = 256 }));

    [Fact]
    public async Task GenerateAsync_CancelledBefore_DoesNothing() =>
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => _encoder.GenerateAsync(["a", "b"], null, new CancellationToken(canceled: true)));

    [Fact]
    public async Task GenerateAsync_AfterDispose_SaysSo()
    {
        _encoder.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => _encoder.GenerateAsync(["a"]));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(65)]
    public void Open_ThreadsOutOfRange_AreRefused(int threads) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => MiniLMModel.Open(threads));

    [Fact]
    public void GetService_Metadata_NamesTheModel()
    {
        var metadata = (EmbeddingGeneratorMetadata)_encoder.GetService(typeof(EmbeddingGeneratorMetadata))!;
        Assert.Equal("all-MiniLM-L6-v2", metadata.DefaultModelId);
        Assert.Equal(384, metadata.DefaultModelDimensions);
        Assert.Equal(8, Assert.IsType<string>(_encoder.GetService(typeof(string), EmbedderIdentity.FingerprintKey)).Length);
        Assert.Same(_encoder, _encoder.GetService(typeof(EncoderEmbeddingGenerator)));
        Assert.Null(_encoder.GetService(typeof(string)));
    }

    [Theory]
    [InlineData(0, "is no encoder")]             // magic
    [InlineData(8, "format")]                    // version
    [InlineData(12, "bytes, not")]               // layers
    [InlineData(19, "sizes")]                    // hidden
    [InlineData(32, "bytes, not")]               // words
    [InlineData(36, "checksum")]                 // the length of the vocabulary
    [InlineData(1_000, "checksum")]              // a word of the vocabulary
    [InlineData(20_000_000, "checksum")]         // a weight
    [InlineData(-1, "checksum")]                 // the last byte
    public void Load_OneByteFlipped_IsRefused(int position, string reason)
    {
        byte[] bytes = ModelBytes();
        bytes[position < 0 ? bytes.Length + position : position] ^= 2;
        AssertRefused(bytes, reason);
    }

    [Theory]
    [InlineData(0, "empty")]
    [InlineData(1, "is no encoder")]
    [InlineData(127, "is no encoder")]
    [InlineData(128, "128 bytes, not")]
    [InlineData(5_000_000, "5000000 bytes, not")]
    public void Load_CutOff_IsRefused(int length, string reason) => AssertRefused(ModelBytes()[..length], reason);

    [Fact]
    public void Load_AnotherKindOfFile_IsRefused() =>
        AssertRefused([.. Enumerable.Repeat("{\"model\":1}"u8.ToArray(), 100).SelectMany(bytes => bytes)], "is no encoder");

    [Fact]
    public void Load_NoFile_IsRefused()
    {
        RagException error = Assert.Throws<RagException>(
            () => EncoderEmbeddingGenerator.Load(Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString())));
        Assert.Equal(RagError.ModelInvalid, error.Error);
    }

    [Fact]
    public async Task Load_AFile_GivesTheVectorsOfTheResource()
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, ModelBytes());
            using EncoderEmbeddingGenerator encoder = EncoderEmbeddingGenerator.Load(path);
            GeneratedEmbeddings<Embedding<float>> expected = await _encoder.GenerateAsync(["a door"]);
            GeneratedEmbeddings<Embedding<float>> answer = await encoder.GenerateAsync(["a door"]);
            Assert.Equal(expected[0].Vector.ToArray(), answer[0].Vector.ToArray());
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static byte[] ModelBytes()
    {
        using Stream resource = typeof(MiniLMModel).Assembly.GetManifestResourceStream("all-MiniLM-L6-v2.encoder")!;
        var bytes = new byte[resource.Length];
        resource.ReadExactly(bytes);
        return bytes;
    }

    private static void AssertRefused(byte[] bytes, string reason)
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, bytes);
            RagException error = Assert.Throws<RagException>(() => EncoderEmbeddingGenerator.Load(path));
            Assert.Equal(RagError.ModelInvalid, error.Error);
            Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private void RunAll<TKernel>()
        where TKernel : struct, IMatrixKernel
    {
        if (!TKernel.IsSupported)
        {
            return;     // another processor's
        }

        var pass = new EncoderPass(_encoder.Model);
        var cosines = new List<float>();
        foreach (Reference reference in References)
        {
            var vector = new float[1][];
            pass.Run<TKernel>([_encoder.Model.Encode(reference.Text)], vector);

            // Inputs of eight bits cost the shortest of texts more than words of fourteen.
            AssertNear(reference, vector[0], TKernel.Form.Bytes == 1 ? 0.98f : 0.995f);
            cosines.Add(CosineTo(reference, vector[0]));
        }

        Assert.True(cosines.Average() >= 0.995f, $"The mean is {cosines.Average()}.");
    }

    private static void AssertNear(Reference reference, ReadOnlySpan<float> vector, float least = 0.995f)
    {
        float cosine = CosineTo(reference, vector);
        Assert.True(cosine >= least, $"'{reference.Text}' is at {cosine}.");
    }

    private static float CosineTo(Reference reference, ReadOnlySpan<float> vector) => TensorPrimitives.CosineSimilarity(
        MemoryMarshal.Cast<byte, float>(Convert.FromBase64String(reference.Vector)), vector);

    private static Reference[] ReadReferences()
    {
        using Stream stream = typeof(MiniLMModelTests).Assembly.GetManifestResourceStream("reference.json")!;
        return JsonSerializer.Deserialize<Reference[]>(stream, JsonSerializerOptions.Web)!;
    }

    private sealed record Reference(string Text, string Vector);
}
