using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Coach.Rag.Embeddings.Tokenizers;
using Coach.Rag.Tests;
using Microsoft.Extensions.AI;

namespace Coach.Rag.Embeddings.Tests.StaticModels;

public sealed class Model2VecEmbeddingGeneratorTests : IDisposable
{
    private readonly ModelFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task GenerateAsync_WordPieces_AreTheMeanOfTheirRows()
    {
        using Model2VecEmbeddingGenerator generator = Model2VecEmbeddingGenerator.Load(
            _folder.Tokenizer(ModelFolder.BertTokenizer).Config(normalize: false).Tensors(ModelFolder.TenRows()).Path);
        GeneratedEmbeddings<Embedding<float>> embeddings = await generator.GenerateAsync(["Playing CAFÉ!", "player", "zzz", "", "zzz a"]);

        // play + ##ing + cafe + ! are rows 2, 3, 5, 6; play + ##er rows 2, 4; an unknown word counts for nothing.
        Assert.Equal([4f, 1f], embeddings[0].Vector.ToArray());
        Assert.Equal([3f, 1f], embeddings[1].Vector.ToArray());
        Assert.Equal([0f, 0f], embeddings[2].Vector.ToArray());
        Assert.Equal([0f, 0f], embeddings[3].Vector.ToArray());
        Assert.Equal([9f, 1f], embeddings[4].Vector.ToArray());
        Assert.Equal(7, embeddings.Usage!.InputTokenCount);
    }

    [Fact]
    public async Task GenerateAsync_DisposedWhileItRuns_FailsAtTheNextText()
    {
        using Model2VecEmbeddingGenerator generator = Model2VecEmbeddingGenerator.Load(
            _folder.Tokenizer(ModelFolder.BertTokenizer).Config(normalize: false).Tensors(ModelFolder.TenRows()).Path);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => generator.GenerateAsync(Texts()));

        IEnumerable<string> Texts()
        {
            yield return "play";
            generator.Dispose();
            yield return "play";
        }
    }

    [Fact]
    public void GetService_FingerprintKey_TellsTheModelFromOthersOfItsName()
    {
        ModelFolder folder = _folder.Tokenizer(ModelFolder.BertTokenizer).Config(normalize: false).Tensors(ModelFolder.TenRows());
        using Model2VecEmbeddingGenerator generator = Model2VecEmbeddingGenerator.Load(folder.Path);
        var fingerprint = Assert.IsType<string>(generator.GetService(typeof(string), EmbedderIdentity.FingerprintKey));
        Assert.Matches("^[0-9a-f]{12}$", fingerprint);
        Assert.Null(generator.GetService(typeof(string)));
        Assert.Null(generator.GetService(typeof(string), "another key"));
    }

    /// <summary>Two models of one folder name and dimension are two embedders; the same model elsewhere is the same one.</summary>
    [Theory]
    [InlineData("same", true)]
    [InlineData("table", false)]
    [InlineData("tokenizer", false)]
    [InlineData("normalize", false)]
    public async Task EmbedAsync_ModelOfTheSameFolderName_IsKnownByWhatItHolds(string change, bool isSame)
    {
        string file = System.IO.Path.Combine(_folder.Path, "k.coach");
        await using (RagHost first = Host("a", "none"))
        {
            await first.Knowledge.AddOrUpdateAsync([new("1", "play a"), new("2", "cafe"), new("3", "player")]);
        }

        await using RagHost second = Host("b", change);
        Retrieval retrieval = await second.Retriever.RetrieveAsync("play");
        Assert.Equal(isSame ? null : DegradationReason.EmbedderMismatch, retrieval.Degradation?.Reason);

        RagHost Host(string parent, string changed)
        {
            using var model = new ModelFolder();
            model.Tokenizer(changed == "tokenizer" ? ModelFolder.BertTokenizer.Replace("\"日\": 7, \"本\": 8", "\"日\": 8, \"本\": 7", StringComparison.Ordinal) : ModelFolder.BertTokenizer)
                .Config(normalize: changed == "normalize")
                .Tensors(ModelFolder.Floats("embeddings", [10, 2], [.. Enumerable.Range(0, 10).SelectMany(i => new[] { changed == "table" ? -i : (float)i, 1 })]));
            string folder = Directory.CreateDirectory(System.IO.Path.Combine(_folder.Path, parent, "model")).FullName;
            foreach (string each in Directory.GetFiles(model.Path))
            {
                File.Copy(each, System.IO.Path.Combine(folder, System.IO.Path.GetFileName(each)));
            }

            return new RagHost(rag => rag.UseIndexFile(file).UseEmbeddings(_ => Model2VecEmbeddingGenerator.Load(folder)), o => o.Learn = false);
        }
    }

    [Fact]
    public async Task GenerateAsync_IdeographsAndControlCharacters_AreCutAsBertDoes()
    {
        using Model2VecEmbeddingGenerator generator = Model2VecEmbeddingGenerator.Load(
            _folder.Tokenizer(ModelFolder.BertTokenizer).Config(normalize: false).Tensors(ModelFolder.TenRows()).Path);
        await CheckVector(generator, "日本\u0000", 7.5f, 1f);
        await CheckVector(generator, "\u200Ba\u00A0", 9f, 1f);
        await CheckVector(generator, "[PAD]", 0f, 1f);
        await CheckVector(generator, "a[PAD]", 4.5f, 1f);
        await CheckVector(generator, new string('a', 21), 0f, 0f);
    }

    [Fact]
    public async Task GenerateAsync_NormalizeInConfig_GivesLengthOne()
    {
        using Model2VecEmbeddingGenerator generator = Model2VecEmbeddingGenerator.Load(
            _folder.Tokenizer(ModelFolder.BertTokenizer).Config(normalize: true)
                .Tensors(ModelFolder.Floats("embeddings", [10, 2], [.. Enumerable.Repeat(new[] { 3f, 4f }, 10).SelectMany(row => row)])).Path);
        await CheckVector(generator, "a play", 0.6f, 0.8f);
        await CheckVector(generator, "", 0f, 0f);
    }

    [Fact]
    public async Task GenerateAsync_WeightsAndMapping_AreApplied()
    {
        // Ten tokens share two rows; token 2 weighs 2, token 9 weighs 0.5.
        var weights = new double[10];
        weights[2] = 2;
        weights[9] = 0.5;
        long[] mapping = [0, 0, 1, 0, 0, 0, 0, 0, 0, 0];
        using Model2VecEmbeddingGenerator generator = Model2VecEmbeddingGenerator.Load(
            _folder.Tokenizer(ModelFolder.BertTokenizer).Config(normalize: false).Tensors(
                ModelFolder.Floats("embeddings", [2, 2], 4, 0, 0, 8),
                ("weights", "F64", [10], MemoryMarshal.AsBytes<double>(weights).ToArray()),
                ("mapping", "I64", [10], MemoryMarshal.AsBytes<long>(mapping).ToArray())).Path);
        await CheckVector(generator, "play a", 1f, 8f);
    }

    [Theory]
    [InlineData("F64")]
    [InlineData("F32")]
    [InlineData("F16")]
    [InlineData("BF16")]
    [InlineData("I8")]
    public async Task Load_EveryNumberType_GivesTheSameVectors(string type)
    {
        float[] values = [.. Enumerable.Range(0, 20).Select(i => (float)(i - 8))];
        byte[] bytes = [.. values.SelectMany(value => type switch
        {
            "F64" => BitConverter.GetBytes((double)value),
            "F16" => BitConverter.GetBytes((Half)value),
            "BF16" => BitConverter.GetBytes((ushort)(BitConverter.SingleToUInt32Bits(value) >> 16)),
            "I8" => [(byte)(sbyte)value],
            _ => BitConverter.GetBytes(value),
        })];
        using Model2VecEmbeddingGenerator generator = Model2VecEmbeddingGenerator.Load(
            _folder.Tokenizer(ModelFolder.BertTokenizer).Config(normalize: false).Tensors(("embeddings", type, [10, 2], bytes)).Path);
        Assert.Equal(2, generator.Dimension);
        await CheckVector(generator, "play", -4f, -3f);
    }

    [Fact]
    public async Task GenerateAsync_LongText_IsCutAtTheMostTokens()
    {
        using Model2VecEmbeddingGenerator generator = Model2VecEmbeddingGenerator.Load(
            _folder.Tokenizer(ModelFolder.BertTokenizer).Config(normalize: false).Tensors(ModelFolder.TenRows()).Path, maxTokens: 2);
        GeneratedEmbeddings<Embedding<float>> embeddings = await generator.GenerateAsync(["a ! cafe", string.Concat(Enumerable.Repeat("a ", 1_000_000))]);
        Assert.Equal([7.5f, 1f], embeddings[0].Vector.ToArray());
        Assert.Equal([9f, 1f], embeddings[1].Vector.ToArray());
    }

    [Fact]
    public async Task GenerateAsync_Unigram_TakesTheMostProbablePieces()
    {
        const string Tokenizer = """
            {"normalizer": {"type": "Sequence", "normalizers": [{"type": "Lowercase"}, {"type": "Replace", "pattern": {"String": "!"}, "content": " ! "},
               {"type": "Replace", "pattern": {"Regex": "\\s+"}, "content": " "}, {"type": "Strip", "strip_left": false, "strip_right": true}]},
             "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": false},
             "model": {"type": "Unigram", "unk_id": 1, "vocab": [["[PAD]", 0.0], ["[UNK]", 0.0], ["▁ice", -2.0], ["▁cream", -2.5], ["▁ice▁cream", -3.0],
               ["▁i", -4.0], ["ce", -4.0], ["▁", -5.0], ["!", -5.0], ["s", -4.5]]}}
            """;
        using Model2VecEmbeddingGenerator generator = Model2VecEmbeddingGenerator.Load(
            _folder.Tokenizer(Tokenizer).Config(normalize: false).Tensors(ModelFolder.TenRows()).Path);
        GeneratedEmbeddings<Embedding<float>> embeddings = await generator.GenerateAsync(["Ice cream!", "ices", "ice xy", ""]);
        Assert.Equal([(4 + 7 + 8) / 3f, 1f], embeddings[0].Vector.ToArray());
        Assert.Equal([(2 + 9) / 2f, 1f], embeddings[1].Vector.ToArray());

        // ▁ice, ▁, then "xy" as one unknown token, which such models keep.
        Assert.Equal([(2 + 7 + 1) / 3f, 1f], embeddings[2].Vector.ToArray());
        Assert.Equal([0f, 0f], embeddings[3].Vector.ToArray());
    }

    [Theory]
    [InlineData("""{"type": "Whitespace"}""", "a b,,c_d", "a|b|,,|c_d")]
    [InlineData("""{"type": "Whitespace"}""", " \t", "")]
    [InlineData("""{"type": "Whitespace"}""", "e\u0301t\u00e9!", "e\u0301t\u00e9|!")]
    [InlineData("""{"type": "Metaspace", "replacement": "_", "prepend_scheme": "always"}""", "ab c", "_ab|_c")]
    [InlineData("""{"type": "Metaspace", "replacement": "_", "prepend_scheme": "never"}""", "ab c", "ab|_c")]
    [InlineData("""{"type": "Metaspace", "replacement": "_", "prepend_scheme": "first"}""", "ab c", "_ab|_c")]
    [InlineData("""{"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, {"type": "Digits", "individual_digits": true}]}""", "ab 12", "ab|1|2")]
    [InlineData("""{"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, {"type": "Punctuation"}]}""", "a,b", "a|,|b")]
    public async Task GenerateAsync_EachSplitter_CutsAsItsLibraryDoes(string splitter, string text, string pieces)
    {
        string[] expected = pieces.Split('|', StringSplitOptions.RemoveEmptyEntries);
        string[] words = [.. expected.Distinct()];
        string vocabulary = string.Join(", ", words.Select((word, index) => $"{System.Text.Json.JsonSerializer.Serialize(word)}: {index + 1}"));
        string separator = vocabulary.Length > 0 ? ", " : "";
        using Model2VecEmbeddingGenerator generator = Model2VecEmbeddingGenerator.Load(
            _folder.Tokenizer($$$"""{"pre_tokenizer": {{{splitter}}}, "model": {"type": "WordPiece", "unk_token": "?", "vocab": {"?": 0{{{separator + vocabulary}}}} } }""")
                .Config(normalize: false).Tensors(ModelFolder.TenRows()).Path);
        float mean = expected.Length == 0 ? 0 : (float)expected.Average(piece => Array.IndexOf(words, piece) + 1);
        await CheckVector(generator, text, mean, expected.Length == 0 ? 0f : 1f);
    }

    [Theory]
    [InlineData("StripAccents", "\u00e9", "e")]
    [InlineData("Lowercase", "ABC", "abc")]
    [InlineData("Strip", " ab ", "ab")]
    public async Task GenerateAsync_EachNormalizer_WritesAsItsLibraryDoes(string type, string text, string normal)
    {
        using Model2VecEmbeddingGenerator generator = Model2VecEmbeddingGenerator.Load(_folder.Tokenizer(
            "{\"normalizer\": {\"type\": \"" + type + "\"}, \"pre_tokenizer\": {\"type\": \"WhitespaceSplit\"}, \"model\": {\"type\": \"WordPiece\", "
            + "\"unk_token\": \"?\", \"vocab\": {\"?\": 0, " + System.Text.Json.JsonSerializer.Serialize(normal) + ": 5}}}")
            .Config(normalize: false).Tensors(ModelFolder.TenRows()).Path);
        await CheckVector(generator, text, 5f, 1f);
    }

    [Fact]
    public async Task GenerateAsync_PrecompiledMap_ReplacesWhatItNames()
    {
        // A double-array trie with one key, 'b' (0x62), whose value 0 points to the replacement "a".
        var units = new uint[512];
        units[0] = 256u << 10;                       // children from 256 on
        units[256 ^ 0x62] = 0x62u | 0x100u | (1u << 10);
        units[256 ^ 0x62 ^ 1] = 0x8000_0000u;        // value 0
        byte[] map = new byte[4 + (4 * units.Length) + 2];
        BinaryPrimitives.WriteInt32LittleEndian(map, 4 * units.Length);
        MemoryMarshal.AsBytes<uint>(units).CopyTo(map.AsSpan(4));
        map[^2] = (byte)'a';
        string tokenizer = "{\"normalizer\": {\"type\": \"Precompiled\", \"precompiled_charsmap\": \"" + Convert.ToBase64String(map) + "\"}, "
            + "\"pre_tokenizer\": {\"type\": \"WhitespaceSplit\"}, \"model\": {\"type\": \"Unigram\", \"unk_id\": 0, \"vocab\": [[\"?\", -1], [\"a\", -1], [\"aa\", -1]]}}";
        using Model2VecEmbeddingGenerator generator = Model2VecEmbeddingGenerator.Load(
            _folder.Tokenizer(tokenizer).Config(normalize: false).Tensors(ModelFolder.TenRows()).Path);
        await CheckVector(generator, "ab", 2f, 1f);
        await CheckVector(generator, "bb a", 1.5f, 1f);
    }

    [Fact]
    public async Task GenerateAsync_Misuse_IsRefused()
    {
        Model2VecEmbeddingGenerator generator = Model2VecEmbeddingGenerator.Load(
            _folder.Tokenizer(ModelFolder.BertTokenizer).Config(normalize: false).Tensors(ModelFolder.TenRows()).Path);
        await Assert.ThrowsAsync<ArgumentException>(() => generator.GenerateAsync(["a"], new EmbeddingGenerationOptions { Dimensions = 3 }));
        await Assert.ThrowsAsync<OperationCanceledException>(() => generator.GenerateAsync(["a"], null, new CancellationToken(canceled: true)));
        Assert.Equal(2, generator.GetService<EmbeddingGeneratorMetadata>()!.DefaultModelDimensions);
        Assert.Same(generator, generator.GetService<Model2VecEmbeddingGenerator>());
        Assert.Null(generator.GetService<IChatClient>());
        generator.Dispose();
        generator.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => generator.GenerateAsync(["a"]));
        Assert.Throws<ArgumentOutOfRangeException>(() => Model2VecEmbeddingGenerator.Load(_folder.Path, maxTokens: 0));
    }

    public static TheoryData<string, string> DamagedTensors() => new()
    {
        { "{x", "the header of model.safetensors is not JSON" },
        { "[]", "model.safetensors has no header" },
        { "{}", "model.safetensors has no tensor 'embeddings'" },
        { """{"embeddings": 5}""", "the header's entry of tensor 'embeddings' is damaged" },
        { """{"embeddings": {"dtype": "F32", "shape": [10, 2], "data_offsets": [0, 81]}}""", "tensor 'embeddings' does not lie within model.safetensors" },
        { """{"embeddings": {"dtype": "F32", "shape": [10, 2], "data_offsets": [8, 88]}}""", "tensor 'embeddings' does not lie within model.safetensors" },
        { """{"embeddings": {"dtype": "F32", "shape": [10, -2], "data_offsets": [0, 80]}}""", "the header's entry of tensor 'embeddings' is damaged" },
        { """{"embeddings": {"dtype": "F32", "shape": [2147483647, 2147483647, 2147483647], "data_offsets": [0, 80]}}""", "the header's entry of tensor 'embeddings' is damaged" },
        { """{"embeddings": {"dtype": "F8", "shape": [10, 2], "data_offsets": [0, 80]}}""", "tensor 'embeddings' has type F8, which is not supported" },
        { """{"embeddings": {"dtype": "F32", "shape": [20], "data_offsets": [0, 80]}}""", "tensor 'embeddings' has 1 dimensions instead of 2" },
        { """{"embeddings": {"dtype": "F32", "shape": [5, 4], "data_offsets": [0, 80]}}""", "tokenizer.json has token 9, model.safetensors only 5 tokens" },
        { """{"embeddings": {"dtype": "F32", "shape": [10, 2], "data_offsets": [0, 80]}, "weights": {"dtype": "F32", "shape": [3], "data_offsets": [0, 12]}}""", "tensor 'weights' has 3 numbers for 10 tokens" },
        { """{"embeddings": {"dtype": "F32", "shape": [10, 2], "data_offsets": [0, 80]}, "mapping": {"dtype": "I32", "shape": [3], "data_offsets": [4, 16]}}""", "tensor 'mapping' holds 1065353216" },
    };

    [Theory]
    [MemberData(nameof(DamagedTensors))]
    public void Load_DamagedTensors_SaysWhatIsWrong(string header, string problem)
    {
        _folder.Tokenizer(ModelFolder.BertTokenizer).Config(normalize: false).TensorFile(header, ModelFolder.TenRows().Bytes);
        CheckRefused(problem.Replace("holds 1065353216", "points past the 10 rows of 'embeddings'", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("", "tokenizer.json is not JSON")]
    [InlineData("[]", "tokenizer.json is damaged")]
    [InlineData("""{"model": {"type": "WordPiece", "vocab": {"a": -1}}}""", "tokenizer.json is damaged")]
    [InlineData("""{"model": {"type": "BPE", "vocab": {"a": 1}}}""", "tokenizer.json has a model of type 'BPE', which is not supported")]
    [InlineData("""{"model": {"type": "Unigram", "unk_id": 7, "vocab": [["a", -1]]}}""", "tokenizer.json is damaged")]
    [InlineData("""{"model": {"type": "Unigram", "vocab": [["a"]]}}""", "tokenizer.json is damaged")]
    [InlineData("""{"model": {"vocab": {"a": 1}}, "normalizer": {"type": "Other"}}""", "tokenizer.json has a normalizer of type 'Other', which is not supported")]
    [InlineData("""{"model": {"vocab": {"a": 1}}, "normalizer": {"type": "NFKC"}}""", "tokenizer.json needs Unicode FormKC, which a process with InvariantGlobalization or without ICU cannot write")]
    [InlineData("""{"model": {"vocab": {"a": 1}}, "normalizer": {"type": "NFC"}}""", "tokenizer.json needs Unicode FormC, which a process with InvariantGlobalization or without ICU cannot write")]
    [InlineData("""{"model": {"vocab": {"a": 1}}, "normalizer": {"type": "NFD"}}""", "tokenizer.json needs Unicode FormD, which a process with InvariantGlobalization or without ICU cannot write")]
    [InlineData("""{"model": {"vocab": {"a": 1}}, "normalizer": {"type": "NFKD"}}""", "tokenizer.json needs Unicode FormKD, which a process with InvariantGlobalization or without ICU cannot write")]
    [InlineData("""{"model": {"vocab": {"a": 1}}, "normalizer": {"type": "Replace", "pattern": {"Regex": "(a)\\1"}, "content": ""}}""", "tokenizer.json is damaged")]
    [InlineData("""{"model": {"vocab": {"a": 1}}, "normalizer": {"type": "Precompiled", "precompiled_charsmap": "////fwAA"}}""", "tokenizer.json is damaged")]
    [InlineData("""{"model": {"vocab": {"a": 1}}, "pre_tokenizer": {"type": "ByteLevel"}}""", "tokenizer.json has a pre_tokenizer of type 'ByteLevel', which is not supported")]
    [InlineData("""{"model": {"vocab": {"a": 1}}, "added_tokens": [{"id": 77, "content": "x"}]}""", "tokenizer.json has token 77, model.safetensors only 10 tokens")]
    public void Load_DamagedOrUnknownTokenizer_SaysWhatIsWrong(string json, string problem)
    {
        _folder.Tokenizer(json).Config(normalize: false).Tensors(ModelFolder.TenRows());
        CheckRefused(problem);
    }

    [Fact]
    public void Load_MissingFiles_SaysWhich()
    {
        CheckRefused("model.safetensors cannot be read");
        _folder.Tensors(ModelFolder.TenRows());
        CheckRefused("tokenizer.json cannot be read");
        _folder.Tokenizer(ModelFolder.BertTokenizer);
        CheckRefused("config.json cannot be read");
        _folder.Write("model.safetensors", []);
        CheckRefused("model.safetensors is empty");
        _folder.Write("model.safetensors", [255, 255, 255, 255, 255, 255, 255, 127, 1]);
        CheckRefused("model.safetensors has no header");
    }

    [Fact]
    public async Task Load_AnyDamagedByte_IsRefusedOrLoads()
    {
        _folder.Tokenizer(ModelFolder.BertTokenizer).Config(normalize: false).Tensors(ModelFolder.TenRows());
        foreach (string name in (string[])["tokenizer.json", "model.safetensors", "config.json"])
        {
            byte[] good = File.ReadAllBytes(Path.Combine(_folder.Path, name));
            for (int i = 0; i < good.Length; i++)
            {
                byte[] bytes = [.. good];
                bytes[i] ^= (byte)(1 << (i % 8));
                _folder.Write(name, i % 3 == 0 ? bytes[..i] : bytes);
                try
                {
                    using Model2VecEmbeddingGenerator generator = Model2VecEmbeddingGenerator.Load(_folder.Path);
                    Assert.Single(await generator.GenerateAsync(["playing a cafe!"]));
                }
                catch (RagException exception)
                {
                    Assert.Equal(RagError.ModelInvalid, exception.Error);
                }
            }

            _folder.Write(name, good);
        }
    }

    [Theory]
    [InlineData("Ångström naïve Ǻ", "Angstrom naive A")]
    [InlineData("e\u0301 Ελλάδα Ёж", "e Ελλαδα Еж")]
    [InlineData("각", "\u1100\u1161\u11A8")]
    [InlineData("plain", "plain")]
    public void Strip_Accents_LeavesThePlainLetters(string text, string expected) => Assert.Equal(expected, AccentStripper.Strip(text));

    private static async Task CheckVector(Model2VecEmbeddingGenerator generator, string text, params float[] expected)
    {
        GeneratedEmbeddings<Embedding<float>> embeddings = await generator.GenerateAsync([text]);
        Assert.Equal(expected, embeddings[0].Vector.ToArray());
    }

    private void CheckRefused(string problem)
    {
        RagException exception = Assert.Throws<RagException>(() => Model2VecEmbeddingGenerator.Load(_folder.Path));
        Assert.Equal($"Model folder '{_folder.Path}': {problem}. Download the model again, or choose another one.", exception.Message);
        Assert.Equal((RagError.ModelInvalid, "ERR_REQUEST_INVALID", false), (exception.Error, exception.Code, exception.IsTransient));
    }
}
