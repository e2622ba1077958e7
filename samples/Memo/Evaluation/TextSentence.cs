namespace Memo.Evaluation;

/// <summary>A sentence with its place in the text.</summary>
internal readonly record struct TextSentence(int Start, int Length, string Text, int Words, bool IsInstruction);

/// <summary>A text, taken apart.</summary>
internal static class TextParts
{
    private const int MaxQuote = 80;

    /// <summary>The sentences: they end with a full stop, a question or exclamation mark before a space, or with the
    /// line.</summary>
    public static List<TextSentence> Sentences(string text)
    {
        var sentences = new List<TextSentence>();
        int start = 0;
        for (int i = 0; i < text.Length; i++)
        {
            bool isEnd = text[i] is '\n' or '\r'
                || (text[i] is '.' or '!' or '?' && (i + 1 == text.Length || char.IsWhiteSpace(text[i + 1])));
            if (isEnd || i == text.Length - 1)
            {
                Add(text, start, i + 1, sentences);
                start = i + 1;
            }
        }

        return sentences;
    }

    /// <summary>The paragraphs: lines with an empty one between them.</summary>
    public static List<(int Start, int Length)> Paragraphs(string text)
    {
        var paragraphs = new List<(int Start, int Length)>();
        int start = -1;
        int end = 0;
        int at = 0;
        while (at <= text.Length)
        {
            int lineEnd = text.IndexOf('\n', at) is var found and >= 0 ? found : text.Length;
            ReadOnlySpan<char> line = text.AsSpan(at, lineEnd - at);
            bool isEmpty = line.IsWhiteSpace();
            if (!isEmpty)
            {
                start = start < 0 ? at + (line.Length - line.TrimStart().Length) : start;
                end = at + line.TrimEnd().Length;
            }

            if (start >= 0 && (isEmpty || lineEnd == text.Length))
            {
                paragraphs.Add((start, end - start));
                start = -1;
            }

            at = lineEnd + 1;
        }

        return paragraphs;
    }

    public static int CountWords(ReadOnlySpan<char> text)
    {
        int words = 0;
        bool isInside = false;
        foreach (char letter in text)
        {
            bool isWord = char.IsLetterOrDigit(letter) || (isInside && letter is '\'' or '’' or '.' or ',' or '-' or '%');
            words += isWord && !isInside ? 1 : 0;
            isInside = isWord;
        }

        return words;
    }

    /// <summary>The beginning of a sentence, in quotation marks, never cut inside of a character.</summary>
    public static string Quote(string text)
    {
        string line = text.ReplaceLineEndings(" ").Trim();
        if (line.Length <= MaxQuote)
        {
            return $"“{line}”";
        }

        int end = line.LastIndexOf(' ', MaxQuote);
        end = end > MaxQuote / 2 ? end : MaxQuote;
        end -= char.IsHighSurrogate(line[end - 1]) ? 1 : 0;
        return $"“{line[..end]}…”";
    }

    private static void Add(string text, int start, int end, List<TextSentence> sentences)
    {
        ReadOnlySpan<char> span = text.AsSpan(start, end - start);
        int lead = span.Length - span.TrimStart().Length;
        string sentence = span.Trim().ToString();
        if (sentence.Length > 0)
        {
            sentences.Add(new TextSentence(
                start + lead, sentence.Length, sentence, CountWords(sentence), Instructions.IsOne(sentence)));
        }
    }
}
