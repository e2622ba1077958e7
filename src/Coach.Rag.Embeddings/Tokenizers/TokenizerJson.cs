using System.Text;
using System.Text.Json;

namespace Coach.Rag.Embeddings.Tokenizers;

/// <summary>
/// Reads <c>tokenizer.json</c> (the format of huggingface/tokenizers), as far as model2vec files use it; refuses what
/// it does not know.
/// </summary>
internal sealed class TokenizerJson
{
    private const long MaxFileBytes = 256L << 20;
    private readonly string _folder;

    private TokenizerJson(string folder) => _folder = folder;

    /// <summary>Reads the file.</summary>
    /// <param name="folder">The model folder.</param>
    /// <param name="tokenCount">How many ids the tokenizer may use.</param>
    /// <exception cref="RagException">
    /// The file is missing or damaged, or uses something that is not supported.
    /// </exception>
    public static TextTokenizer Load(string folder, int tokenCount)
    {
        var reader = new TokenizerJson(folder);
        try
        {
            using JsonDocument document = ReadFile(folder, "tokenizer.json", MaxFileBytes);
            return reader.Read(document.RootElement, tokenCount);
        }
        catch (Exception exception) when (exception is KeyNotFoundException or InvalidOperationException
            or FormatException
            or IndexOutOfRangeException or ArgumentException or NotSupportedException)
        {
            throw RagException.ModelInvalid(folder, "tokenizer.json is damaged", exception);
        }
    }

    internal static JsonDocument ReadFile(string folder, string name, long maxBytes)
    {
        string path = Path.Combine(folder, name);
        try
        {
            using FileStream file = File.OpenRead(path);
            return file.Length <= maxBytes
                ? JsonDocument.Parse(file)
                : throw RagException.ModelInvalid(folder, $"{name} has {file.Length} bytes; the most is {maxBytes}");
        }
        catch (JsonException exception)
        {
            throw RagException.ModelInvalid(folder, $"{name} is not JSON", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw RagException.ModelInvalid(folder, $"{name} cannot be read", exception);
        }
    }

    private TextTokenizer Read(JsonElement root, int tokenCount)
    {
        JsonElement model = root.GetProperty("model");
        (ITokenModel tokenModel, List<string> tokens, int largestId) = ReadModel(model);
        var added = new List<(string Content, int Id)>();
        if (root.TryGetProperty("added_tokens", out JsonElement list) && list.ValueKind == JsonValueKind.Array)
        {
            foreach (JsonElement token in list.EnumerateArray())
            {
                string content = token.GetProperty("content").GetString() ?? "";
                int id = token.GetProperty("id").GetInt32();
                if (content.Length > 0 && id >= 0)
                {
                    added.Add((content, id));
                    largestId = Math.Max(largestId, id);
                }
            }
        }

        if (largestId >= tokenCount)
        {
            throw RagException.ModelInvalid(
                _folder, $"tokenizer.json has token {largestId}, model.safetensors only {tokenCount} tokens");
        }

        added.Sort((a, b) => b.Content.Length.CompareTo(a.Content.Length));
        return new TextTokenizer(ReadNormalizer(Optional(root, "normalizer")),
            [.. ReadSplitters(Optional(root, "pre_tokenizer"))], tokenModel, added, Median(tokens));
    }

    private (ITokenModel Model, List<string> Tokens, int LargestId) ReadModel(JsonElement model)
    {
        // Old files leave the type out; then the vocabulary's form tells.
        string type = Text(
            model, "type", model.GetProperty("vocab").ValueKind == JsonValueKind.Array ? "Unigram" : "WordPiece");
        if (type == "WordPiece")
        {
            var vocabulary = new Dictionary<string, int>(StringComparer.Ordinal);
            foreach (JsonProperty token in model.GetProperty("vocab").EnumerateObject())
            {
                int id = token.Value.GetInt32();
                vocabulary[token.Name] = id >= 0 ? id : throw new FormatException("A token's id is negative.");
            }

            return (new WordPieceModel(
                vocabulary, Text(model, "continuing_subword_prefix", "##"), Text(model, "unk_token", "[UNK]"),
                model.TryGetProperty("max_input_chars_per_word", out JsonElement most) ? most.GetInt32() : 100),
                [.. vocabulary.Keys], vocabulary.Values.DefaultIfEmpty(-1).Max());
        }

        if (type == "Unigram")
        {
            var vocabulary = new List<(string Piece, double Score)>();
            foreach (JsonElement entry in model.GetProperty("vocab").EnumerateArray())
            {
                double score = entry[1].GetDouble();
                vocabulary.Add((entry[0].GetString() ?? "",
                    double.IsFinite(score) ? score : throw new FormatException("A score is not finite.")));
            }

            int? unknown = Optional(model, "unk_id") is { } id ? id.GetInt32() : null;
            return unknown is < 0 || unknown >= vocabulary.Count
                ? throw new FormatException("The unknown token is not in the vocabulary.")
                : (new UnigramModel(
                    vocabulary, unknown), [.. vocabulary.Select(entry => entry.Piece)], vocabulary.Count - 1);
        }

        throw Unsupported("model", type);
    }

    private ITextNormalizer? ReadNormalizer(JsonElement? element)
    {
        if (element is not { } json)
        {
            return null;
        }

        switch (Text(json, "type", ""))
        {
            case "Sequence":
                return new NormalizerSequence(
                    [
                .. json.GetProperty("normalizers").EnumerateArray()
                    .Select(item => ReadNormalizer(item))
                    .OfType<ITextNormalizer>(),
            ]);
            case "BertNormalizer":
                bool lowerCase = Flag(json, "lowercase", true);
                return new BertNormalizer(Flag(json, "clean_text", true), Flag(json, "handle_chinese_chars", true),
                    Flag(json, "strip_accents", lowerCase), lowerCase);
            case "Lowercase":
                return new FunctionNormalizer(text => text.ToLowerInvariant());
            case "StripAccents":
                return new FunctionNormalizer(AccentStripper.Strip);
            case "Strip":
                bool left = Flag(json, "strip_left", true), right = Flag(json, "strip_right", true);
                return new FunctionNormalizer(
                    text => left ? right ? text.Trim() : text.TrimStart() : right ? text.TrimEnd() : text);
            case "Prepend":
                string prefix = Text(json, "prepend", "");
                return new FunctionNormalizer(text => prefix + text);
            case "Replace":
                JsonElement pattern = json.GetProperty("pattern");
                string content = json.GetProperty("content").GetString() ?? "";
                if (pattern.TryGetProperty("Regex", out JsonElement regex))
                {
                    return new PatternNormalizer(regex.GetString() ?? "", content);
                }

                string old = pattern.GetProperty("String").GetString() ?? "";
                return old.Length == 0
                    ? null
                    : new FunctionNormalizer(text => text.Replace(old, content, StringComparison.Ordinal));
            case "Precompiled":
                return Optional(json, "precompiled_charsmap") is { } map
                    ? new PrecompiledNormalizer(map.GetBytesFromBase64())
                    : null;
            case "NFC":
                return Unicode(NormalizationForm.FormC);
            case "NFD":
                return Unicode(NormalizationForm.FormD);
            case "NFKC":
                return Unicode(NormalizationForm.FormKC);
            case "NFKD":
                return Unicode(NormalizationForm.FormKD);
            case var other:
                throw Unsupported("normalizer", other);
        }
    }

    // Without globalisation data the runtime leaves texts as they are: vectors would be wrong and nobody would know.
    private FunctionNormalizer Unicode(NormalizationForm form) =>
        "\u00e9".Normalize(NormalizationForm.FormD).Length == 2
        ? new FunctionNormalizer(text => text.Normalize(form))
        : throw RagException.ModelInvalid(_folder, $"tokenizer.json needs Unicode {form}, which a process with "
            + "InvariantGlobalization or without ICU cannot write");

    private IEnumerable<ITextSplitter> ReadSplitters(JsonElement? element)
    {
        if (element is not { } json)
        {
            return [];
        }

        switch (Text(json, "type", ""))
        {
            case "Sequence":
                return [.. json.GetProperty("pretokenizers").EnumerateArray().SelectMany(item => ReadSplitters(item))];
            case "BertPreTokenizer":
                return [RuneSplitter.Bert];
            case "WhitespaceSplit":
                return [RuneSplitter.WhiteSpace];
            case "Whitespace":
                return [new WordRunSplitter()];
            case "Punctuation" when Text(json, "behavior", "Isolated") == "Isolated":
                return [RuneSplitter.Punctuation];
            case "Digits" when Flag(json, "individual_digits", false):
                return [RuneSplitter.SingleDigits];
            case "Metaspace":
                string scheme = Text(json, "prepend_scheme", Flag(json, "add_prefix_space", true) ? "always" : "never");
                return [new MetaspaceSplitter(
                    Text(json, "replacement", "▁"), scheme == "always", scheme == "first", Flag(json, "split", true))];
            case var other:
                throw Unsupported("pre_tokenizer", other);
        }
    }

    private RagException Unsupported(string part, string type) =>
        RagException.ModelInvalid(_folder,
            $"tokenizer.json has a {part} of type '{(type.Length > 40 ? type[..40] : type)}', which is not supported");

    private static JsonElement? Optional(JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private static string Text(JsonElement element, string name, string otherwise) =>
        Optional(element, name)?.GetString() ?? otherwise;

    private static bool Flag(JsonElement element, string name, bool otherwise) =>
        Optional(element, name)?.GetBoolean() ?? otherwise;

    private static int Median(List<string> tokens)
    {
        if (tokens.Count == 0)
        {
            return 1;
        }

        int[] lengths = [.. tokens.Select(token => token.EnumerateRunes().Count()).Order()];
        int middle = lengths.Length / 2;
        return Math.Max(1, lengths.Length % 2 == 1 ? lengths[middle] : (lengths[middle - 1] + lengths[middle]) / 2);
    }
}
