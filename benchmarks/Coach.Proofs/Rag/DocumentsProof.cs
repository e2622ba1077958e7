using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Coach.Rag;
using Coach.Rag.Documents;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Proofs.Rag;

/// <summary>What becomes of a folder of documents: the account, and whether passages are cut where people would.</summary>
internal static class DocumentsProof
{
    private const int WholeCode = 500;

    public static Command Command()
    {
        Argument<DirectoryInfo[]> folders = new("folders") { Arity = ArgumentArity.OneOrMore, Description = "Folders of documents." };
        Option<int> tokens = new("--chunk-tokens") { DefaultValueFactory = _ => 200, Description = "The most tokens of a passage." };
        var command = new Command("documents", "Reads folders: the account of read, skipped and failed, and figures of how passages are cut.") { folders, tokens };
        command.SetAction((parsed, cancellationToken) => RunAsync(parsed.GetValue(folders)!, parsed.GetValue(tokens), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(DirectoryInfo[] folders, int tokens, CancellationToken cancellationToken)
    {
        int failed = 0;
        int cases = 0;
        foreach (DirectoryInfo folder in folders)
        {
            long from = Stopwatch.GetTimestamp();
            var services = new ServiceCollection();
            services.AddCoachRag(o => (o.Learn, o.ChunkTokens, o.MaxDocumentBytes) = (false, tokens, 256 << 20)).WithDocumentReaders().WithSource(folder.FullName);
            await using ServiceProvider host = services.BuildServiceProvider();
            IKnowledgeBase knowledge = host.GetRequiredService<IKnowledgeBase>();
            await knowledge.SyncAsync(cancellationToken: cancellationToken);
            double seconds = Stopwatch.GetElapsedTime(from).TotalSeconds;
            KnowledgeAccount account = knowledge.Account;
            foreach (IngestFailure failure in account.Failed.Concat(account.Guessed).Take(20))
            {
                Console.WriteLine($"{failure.Id}: {failure.Reason}");
            }

            Figures figures = await MeasureAsync(folder.FullName, tokens, cancellationToken);
            cases += figures.Passages;
            failed += figures.Wrong;
            Console.WriteLine(JsonSerializer.Serialize(new
            {
                folder = folder.Name,
                cases = figures.Passages,
                failed = figures.Wrong,
                read = account.Read,
                skipped = account.SkippedCount,
                skippedBy = account.SkippedBy.ToDictionary(pair => pair.Key.ToString(), pair => pair.Value),
                kinds = account.Kinds,
                failedBy = account.FailedBy.ToDictionary(pair => pair.Key.ToString(), pair => pair.Value),
                guessed = account.Guessed.Count,
                passages = knowledge.PassageCount,
                seconds = Math.Round(seconds, 2),
                codeCut = figures.CodeCut,
                startsInRow = figures.StartsInRow,
                oddFences = figures.OddFences,
                headingsLost = figures.HeadingsLost,
                wrongRanges = figures.WrongRanges,
                emptyPassages = figures.Empty,
                ranges = figures.Ranges,
            }));
        }

        if (folders.Length > 1)
        {
            Console.WriteLine(JsonSerializer.Serialize(new { cases, failed }));
        }

        return failed == 0 ? 0 : 1;
    }

    // What the passages of each file look like, by the same readers and the same chunker as the index.
    private static async Task<Figures> MeasureAsync(string folder, int tokens, CancellationToken cancellationToken)
    {
        var options = new CoachRagOptions { MaxDocumentBytes = 256 << 20 };
        var readers = new DocumentReaders(DocumentReaders.BuiltIn(options), options, TimeProvider.System);
        var source = new FolderSource(folder, readers, options, TimeProvider.System);
        var chunker = new Chunker(tokens, Math.Min(30, tokens / 2));
        var figures = new Figures();
        await foreach (SourceItem item in source.ListAsync(cancellationToken))
        {
            try
            {
                DocumentFile? file = (await item.ReadAsync(cancellationToken)).File;
                if (file is not null && readers.Find(file) is { } reader)
                {
                    StructuredText text = await readers.ReadAsync(file, reader, cancellationToken);
                    figures.Add(file, text, chunker.Split(text));
                }
            }
            catch (RagException)
            {
                // In the account.
            }
        }

        return figures;
    }

    private sealed class Figures
    {
        public int Passages { get; private set; }

        public int Ranges { get; private set; }

        public int CodeCut { get; private set; }

        public int StartsInRow { get; private set; }

        public int OddFences { get; private set; }

        public int HeadingsLost { get; private set; }

        public int WrongRanges { get; private set; }

        public int Empty { get; private set; }

        public int Wrong => CodeCut + StartsInRow + OddFences + HeadingsLost + WrongRanges + Empty;

        public void Add(DocumentFile file, StructuredText text, List<Chunk> chunks)
        {
            string original = file.ReadText(out _);
            bool isMarkdown = file.HasExtension(".md", ".markdown", ".mdx");
            Passages += chunks.Count;
            foreach (Chunk chunk in chunks)
            {
                string passage = text.Text.Substring(chunk.Start, chunk.Length);
                Empty += string.IsNullOrWhiteSpace(passage) ? 1 : 0;
                int fences = passage.Split('\n').Count(line => line.TrimStart(' ', '>', '\t', '-', '*').StartsWith("```", StringComparison.Ordinal));
                OddFences += isMarkdown ? fences % 2 : 0;
                Chunk range = text.InSource(chunk);
                Ranges++;
                bool isExact = range.Start >= 0 && range.Start + range.Length <= original.Length
                    && original[range.Start] == passage[0] && original[range.Start + range.Length - 1] == passage[^1]
                    && (text.Map is not null || original.AsSpan(range.Start, range.Length).SequenceEqual(passage));
                WrongRanges += isExact || file.HasExtension(".html", ".htm") ? 0 : 1;
            }

            foreach (TextBlock block in text.Blocks)
            {
                int start = TrimmedStart(text.Text, block);
                int end = TrimmedEnd(text.Text, block);
                bool isCut = block.Kind == TextBlockKind.Code && block.End - block.Start <= WholeCode
                    && !chunks.Exists(chunk => (chunk.Start <= start) && (chunk.Start + chunk.Length >= end));
                CodeCut += isCut ? 1 : 0;
                StartsInRow += block.Kind == TextBlockKind.Table
                    ? chunks.Count(chunk => chunk.Start > block.Start && chunk.Start < block.End && text.Text[chunk.Start - 1] != '\n')
                    : 0;
            }

            // Headings are named without the marks of code and emphasis that their lines in the text have.
            string[] passages = [.. chunks.Select(chunk => text.Text.Substring(chunk.Start, chunk.Length)
                .Replace("`", "", StringComparison.Ordinal).Replace("*", "", StringComparison.Ordinal))];
            foreach (string heading in text.Blocks.SelectMany(block => block.Heading.Split(TextBlock.Separator)).Where(each => each.Length > 0).Distinct())
            {
                string words = heading.Length > 40 ? heading[..40] : heading;
                bool isFound = chunks.Exists(chunk => chunk.Heading.Contains(words, StringComparison.Ordinal))
                    || Array.Exists(passages, passage => passage.Contains(words, StringComparison.Ordinal));
                bool isPlain = !words.AsSpan().ContainsAny("`*[]");
                HeadingsLost += isFound || !isPlain ? 0 : 1;
            }
        }

        private static int TrimmedStart(string text, TextBlock block)
        {
            int start = block.Start;
            while (start < block.End && char.IsWhiteSpace(text[start]))
            {
                start++;
            }

            return start;
        }

        private static int TrimmedEnd(string text, TextBlock block)
        {
            int end = block.End;
            while (end > block.Start && char.IsWhiteSpace(text[end - 1]))
            {
                end--;
            }

            return end;
        }
    }
}
