using System.Globalization;
using System.IO.Compression;
using System.Text.Json;

namespace Coach.Rag;

/// <summary>
/// A test collection in BEIR's layout: <c>corpus.jsonl</c>, <c>queries.jsonl</c> and <c>qrels/*.tsv</c>, each plain or
/// with <c>.gz</c>.
/// </summary>
public sealed class BeirCollection
{
    private const int MaxLineBytes = 64 << 20;

    private BeirCollection(
        string name, IReadOnlyList<KnowledgeDocument> documents, IReadOnlyList<EvaluationQuery> queries)
    {
        Name = name;
        Documents = documents;
        Queries = queries;
    }

    /// <summary>The folder's name.</summary>
    public string Name { get; }

    /// <summary>
    /// The documents, each one passage: the title beside the text. A document without either is kept, empty.
    /// </summary>
    public IReadOnlyList<KnowledgeDocument> Documents { get; }

    /// <summary>The queries that have at least one relevant document.</summary>
    public IReadOnlyList<EvaluationQuery> Queries { get; }

    /// <summary>Reads a collection.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="split">
    /// The file in <c>qrels</c> to read, without its ending; null reads the one there is, <c>test</c> before others.
    /// </param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <returns>The collection.</returns>
    /// <exception cref="IOException">A file is missing or cannot be read.</exception>
    /// <exception cref="InvalidDataException">
    /// A line is not what the layout says; the message names file and line.
    /// </exception>
    public static async Task<BeirCollection> LoadAsync(
        string folder, string? split = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        Dictionary<string, Dictionary<string, int>> judgments = await ReadJudgmentsAsync(
            JudgmentFile(folder, split), cancellationToken).ConfigureAwait(false);
        var documents = new List<KnowledgeDocument>();
        await foreach (JsonElement line in LinesAsync(Existing(folder, "corpus.jsonl"), cancellationToken)
            .ConfigureAwait(false))
        {
            documents.Add(new KnowledgeDocument(Text(line, "_id"), Text(line, "text"))
            {
                Title = Text(line, "title"),
                IsOnePassage = true,
            });
        }

        var queries = new List<EvaluationQuery>();
        await foreach (JsonElement line in LinesAsync(Existing(folder, "queries.jsonl"), cancellationToken)
            .ConfigureAwait(false))
        {
            if (judgments.TryGetValue(Text(line, "_id"), out Dictionary<string, int>? relevant))
            {
                queries.Add(new EvaluationQuery(Text(line, "_id"), Text(line, "text"), relevant));
            }
        }

        return new BeirCollection(
            Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder))), documents, queries);
    }

    private static string Text(JsonElement line, string name)
    {
        if (!line.TryGetProperty(name, out JsonElement value))
        {
            return "";
        }

        return value.ValueKind == JsonValueKind.String ? value.GetString()! : value.ToString();
    }

    private static string Existing(string folder, string file)
    {
        string path = Path.Combine(folder, file);
        return File.Exists(path) ? path : File.Exists(path + ".gz") ? path + ".gz"
            : throw new FileNotFoundException($"The folder has no {file} and no {file}.gz.", path);
    }

    private static string JudgmentFile(string folder, string? split)
    {
        string qrels = Path.Combine(folder, "qrels");
        if (split is not null)
        {
            return Existing(qrels, split + ".tsv");
        }

        IEnumerable<string> files = Directory.Exists(qrels) ? Directory.GetFiles(qrels).Where(IsTable) : [];
        return files
            .OrderBy(file => Path.GetFileName(file).StartsWith("test.", StringComparison.Ordinal) ? 0 : 1)
            .ThenBy(file => file, StringComparer.Ordinal)
            .FirstOrDefault() ?? throw new FileNotFoundException("The folder has no qrels/*.tsv.", qrels);
    }

    private static bool IsTable(string file) =>
        file.EndsWith(".tsv", StringComparison.Ordinal) || file.EndsWith(".tsv.gz", StringComparison.Ordinal);

    private static async Task<Dictionary<string, Dictionary<string, int>>> ReadJudgmentsAsync(
        string path, CancellationToken cancellationToken)
    {
        var judgments = new Dictionary<string, Dictionary<string, int>>(StringComparer.Ordinal);
        using StreamReader reader = Open(path);
        for (int number = 1; await reader.ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } line; number++)
        {
            string[] fields = line.Split('\t');
            bool isNumber = int.TryParse(fields[^1], NumberStyles.Integer, CultureInfo.InvariantCulture, out int gain);
            if (string.IsNullOrWhiteSpace(line) || (number == 1 && !isNumber))
            {
                continue;
            }

            if (fields.Length is not (3 or 4) || !isNumber)
            {
                throw new InvalidDataException(
                    $"{Path.GetFileName(path)}, line {number}: expected query, document and score, separated by tabs.");
            }

            if (gain > 0)
            {
                if (!judgments.TryGetValue(fields[0], out Dictionary<string, int>? relevant))
                {
                    judgments.Add(fields[0], relevant = new Dictionary<string, int>(StringComparer.Ordinal));
                }

                relevant[fields[^2]] = gain;
            }
        }

        return judgments;
    }

    private static async IAsyncEnumerable<JsonElement> LinesAsync(
        string path, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using StreamReader reader = Open(path);
        for (int number = 1; await reader.ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } line; number++)
        {
            if (line.Length > 0)
            {
                yield return Parse(path, number, line);
            }
        }
    }

    private static JsonElement Parse(string path, int number, string line)
    {
        if (line.Length > MaxLineBytes)
        {
            throw new InvalidDataException(
                $"{Path.GetFileName(path)}, line {number}: longer than {MaxLineBytes} characters.");
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            return document.RootElement.ValueKind == JsonValueKind.Object ? document.RootElement.Clone()
                : throw new InvalidDataException($"{Path.GetFileName(path)}, line {number}: expected a JSON object.");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{Path.GetFileName(path)}, line {number}: not JSON.", e);
        }
    }

    private static StreamReader Open(string path)
    {
        Stream stream = File.OpenRead(path);
        bool isPacked = path.EndsWith(".gz", StringComparison.Ordinal);
        return new StreamReader(isPacked ? new GZipStream(stream, CompressionMode.Decompress) : stream);
    }
}
