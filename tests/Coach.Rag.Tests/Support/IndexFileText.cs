using System.Text;
using Coach.Rag.Segments;
using Coach.Rag.Store;

namespace Coach.Rag.Tests;

/// <summary>Looks for text in an index file as somebody would who has the file: in its bytes, and in every text block, used or not.</summary>
internal static class IndexFileText
{
    public static bool Holds(string path, string text)
    {
        byte[] file = File.ReadAllBytes(path);
        return file.AsSpan().IndexOf(Encoding.UTF8.GetBytes(text)) >= 0
            || Blocks(file).Any(blocks => blocks.Contains(text, StringComparison.Ordinal));
    }

    // Sections start at multiples of 64; those of removed segments are looked at, too.
    private static IEnumerable<string> Blocks(byte[] file)
    {
        for (int at = 0; at + TextBlockFormat.HeadBytes <= file.Length; at += IndexFormat.Alignment)
        {
            if (file.AsSpan(at).StartsWith(TextBlockFormat.Magic))
            {
                using var memory = new MemoryIndexStore();
                memory.Commit(new IndexChange { Add = [new SegmentPayload().Add(SectionKind.TextBlocks, file.AsMemory(at))] }, default);
                using IndexCommitReader commit = memory.Acquire();
                var reader = new TextBlockReader(commit.Segments[0].Sections[0]);
                yield return reader.Text(0, (int)reader.Length);
            }
        }
    }
}
