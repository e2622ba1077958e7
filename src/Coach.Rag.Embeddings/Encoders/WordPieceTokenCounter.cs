using System.Collections.Concurrent;
using System.Globalization;
using Coach.Rag.Embeddings.Tokenizers;

namespace Coach.Rag.Embeddings.Encoders;

/// <summary>
/// Counts WordPiece tokens word by word, and remembers words: white space and the punctuation of ASCII part a text
/// before anything else does, so that the parts can be counted by themselves.
/// </summary>
internal sealed class WordPieceTokenCounter(TextTokenizer tokenizer, uint vocabulary, int maxTokens) : ITokenCounter
{
    private const int MaxRemembered = 32_768;
    private const int LongWord = 32;

    // A word of more characters is one unknown token to the encoder; passages are bounded by its letters instead.
    private const int MaxWord = 100;
    private const int LettersPerToken = 6;

    private readonly ConcurrentDictionary<string, int> _words = new(StringComparer.Ordinal);
    private int _remembered;

    public string Name { get; } = string.Create(CultureInfo.InvariantCulture, $"wordpiece-{vocabulary:x8}-{maxTokens}");

    public int MaxTokens => maxTokens;

    public int CountTokens(ReadOnlySpan<char> text)
    {
        int tokens = 0;
        for (int at = 0; at < text.Length;)
        {
            int end = WordEnd(text, at, out int count);
            tokens += count;
            at = end;
        }

        return tokens;
    }

    public int GetIndexByTokenCount(ReadOnlySpan<char> text, int maxTokens)
    {
        int left = maxTokens;
        int at = 0;
        while (at < text.Length)
        {
            int end = WordEnd(text, at, out int count);
            if (count > left)
            {
                return left > 0 && (at == 0 || end - at > LongWord) ? CutWord(text, at, end, left) : Math.Max(1, at);
            }

            left -= count;
            at = end;
        }

        return text.Length;
    }

    // As much of a word as fits: its tokens are spread evenly, and looked at again.
    private int CutWord(ReadOnlySpan<char> text, int start, int end, int tokens)
    {
        int length = end - start;
        int count = CountTokens(text[start..end]);
        while (count > tokens && length > 1)
        {
            length = Math.Max(1, Math.Min(length - 1, (int)((long)length * tokens / count)));
            count = CountTokens(text.Slice(start, length));
        }

        int cut = start + length;
        bool isPair = cut < end && char.IsHighSurrogate(text[cut - 1]) && char.IsLowSurrogate(text[cut]);
        if (!isPair)
        {
            return cut;
        }

        return cut > 1 ? cut - 1 : cut + 1;
    }

    private int WordEnd(ReadOnlySpan<char> text, int at, out int count)
    {
        char first = text[at];
        if (first is ' ' or '\t' or '\n' or '\r')
        {
            count = 0;
            return at + 1;
        }

        if (char.IsAscii(first) && IsPunctuation(first))
        {
            count = 1;
            return at + 1;
        }

        bool isAscii = true;
        int end = at;
        while (end < text.Length && text[end] is var c && c is not (' ' or '\t' or '\n' or '\r')
            && !(char.IsAscii(c) && IsPunctuation(c)))
        {
            isAscii &= char.IsAsciiLetterOrDigit(c);
            end++;
        }

        count = Count(text[at..end], isAscii);
        return end;
    }

    private int Count(ReadOnlySpan<char> word, bool isAscii)
    {
        if (word.Length > MaxWord && isAscii)
        {
            return (word.Length + LettersPerToken - 1) / LettersPerToken;
        }

        if (word.Length > LongWord)
        {
            return Math.Max(tokenizer.Encode(word.ToString()).Count, word.Length / LettersPerToken);
        }

        if (_words.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(word, out int count))
        {
            return count;
        }

        string text = word.ToString();
        count = tokenizer.Encode(text).Count;
        if (_remembered < MaxRemembered && _words.TryAdd(text, count))
        {
            Interlocked.Increment(ref _remembered);
        }

        return count;
    }

    // BERT's, which counts signs of mathematics among it.
    private static bool IsPunctuation(char c) => c is (>= '!' and <= '/') or (>= ':' and <= '@') or (>= '[' and <= '`')
        or (>= '{' and <= '~');
}
