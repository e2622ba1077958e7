using System.Globalization;
using System.Text;

namespace Coach.Rag.Embeddings.Tokenizers;

/// <summary>One step of a tokenizer's pre-tokeniser: cuts pieces into smaller ones.</summary>
internal interface ITextSplitter
{
    /// <summary>Cuts one piece.</summary>
    /// <param name="piece">The piece.</param>
    /// <param name="isFirst">Whether it starts the text.</param>
    /// <param name="pieces">Takes the parts, in order.</param>
    void Split(string piece, bool isFirst, List<string> pieces);
}

/// <summary>What becomes of a character when words are cut.</summary>
internal enum CutAt
{
    /// <summary>It stays with its neighbours.</summary>
    Nothing,

    /// <summary>It ends a piece and goes.</summary>
    Dropped,

    /// <summary>It becomes a piece of its own.</summary>
    Alone,
}

/// <summary>Cuts where a rule says so.</summary>
internal sealed class RuneSplitter(Func<Rune, CutAt> rule) : ITextSplitter
{
    public static RuneSplitter Bert { get; } = new(static rune => rune switch
    {
        _ when Rune.IsWhiteSpace(rune) => CutAt.Dropped,
        _ when IsPunctuation(rune) => CutAt.Alone,
        _ => CutAt.Nothing,
    });

    public static RuneSplitter WhiteSpace { get; } = new(
        rune => Rune.IsWhiteSpace(rune) ? CutAt.Dropped : CutAt.Nothing);

    public static RuneSplitter Punctuation { get; } = new(rune => IsPunctuation(rune) ? CutAt.Alone : CutAt.Nothing);

    public static RuneSplitter SingleDigits { get; } = new(rune => Rune.IsNumber(rune) ? CutAt.Alone : CutAt.Nothing);

    public void Split(string piece, bool isFirst, List<string> pieces)
    {
        int start = 0, at = 0;
        foreach (Rune rune in piece.EnumerateRunes())
        {
            int length = rune.Utf16SequenceLength;
            CutAt cut = rule(rune);
            if (cut != CutAt.Nothing)
            {
                Add(piece, start, at, pieces);
                start = at + length;
                if (cut == CutAt.Alone)
                {
                    Add(piece, at, start, pieces);
                }
            }

            at += length;
        }

        Add(piece, start, piece.Length, pieces);
    }

    private static void Add(string piece, int start, int end, List<string> pieces)
    {
        if (end > start)
        {
            pieces.Add(piece[start..end]);
        }
    }

    // BERT counts all ASCII symbols as punctuation.
    private static bool IsPunctuation(Rune rune) =>
        Rune.IsPunctuation(rune) || (rune.IsAscii && Rune.IsSymbol(rune));
}

/// <summary>Cuts into runs of word characters and runs of other characters; white space goes.</summary>
internal sealed class WordRunSplitter : ITextSplitter
{
    public void Split(string piece, bool isFirst, List<string> pieces)
    {
        int start = 0, at = 0, kind = 0;
        foreach (Rune rune in piece.EnumerateRunes())
        {
            int here = rune switch
            {
                _ when Rune.IsWhiteSpace(rune) => 0,
                _ when IsWord(rune) => 1,
                _ => 2,
            };
            if (here != kind)
            {
                if (kind != 0)
                {
                    pieces.Add(piece[start..at]);
                }

                start = at;
                kind = here;
            }

            at += rune.Utf16SequenceLength;
        }

        if (kind != 0)
        {
            pieces.Add(piece[start..]);
        }
    }

    private static bool IsWord(Rune rune) => Rune.IsLetterOrDigit(rune) || Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark => true,
        UnicodeCategory.ConnectorPunctuation or UnicodeCategory.LetterNumber => true,
        _ => false,
    };
}

/// <summary>SentencePiece's: spaces become a visible mark that starts each word.</summary>
internal sealed class MetaspaceSplitter(string mark, bool prependsAlways, bool prependsFirst, bool splits)
    : ITextSplitter
{
    public void Split(string piece, bool isFirst, List<string> pieces)
    {
        string text = piece.Replace(" ", mark, StringComparison.Ordinal);
        if ((prependsAlways || (prependsFirst && isFirst)) && !text.StartsWith(mark, StringComparison.Ordinal))
        {
            text = mark + text;
        }

        if (!splits)
        {
            pieces.Add(text);
            return;
        }

        for (int start = 0; start < text.Length;)
        {
            int next = text.IndexOf(mark, start + 1, StringComparison.Ordinal);
            next = next < 0 ? text.Length : next;
            pieces.Add(text[start..next]);
            start = next;
        }
    }
}
