using System.Collections.Frozen;

namespace Coach.Rag.Analysis;

/// <summary>
/// Takes out of a question the words that ask and say nothing of what is asked for ("how can I", "what is"). In a small
/// collection they are as rare as real ones. Embedding generators get the question as it was written.
/// </summary>
internal static class QuestionWordFilter
{
    private static readonly FrozenSet<string> Words = FrozenSet.Create(StringComparer.OrdinalIgnoreCase,
        "i", "me", "my", "mine", "we", "us", "our", "you", "your", "he", "him", "his", "she", "her", "its", "them",
        "someone", "somebody", "anything", "something",
        "what", "which", "who", "whom", "whose", "when", "where", "why", "how", "much", "many",
        "am", "were", "been", "being", "do", "does", "did", "done", "doing", "don", "doesn", "didn", "isn", "aren",
        "wasn", "weren", "won", "t", "ll", "ve", "re",
        "have", "has", "had", "having", "can", "could", "should", "would", "shall", "may", "might", "must",
        "please", "tell", "explain", "say", "know", "mean", "get", "want", "need", "happen", "happens",
        "so", "than", "too", "very", "just", "also", "only", "here", "from", "about", "any", "some", "now");

    /// <summary>The question without them. What is no question, or holds nothing else, is returned as it is.</summary>
    public static string Strip(string question)
    {
        if (!IsQuestion(question))
        {
            return question;
        }

        var kept = new System.Text.StringBuilder(question.Length);
        bool isContent = false;
        int i = 0;
        while (i < question.Length)
        {
            int start = i;
            while (i < question.Length && char.IsLetterOrDigit(question[i]))
            {
                i++;
            }

            if (i == start)
            {
                kept.Append(question[i++]);
                continue;
            }

            ReadOnlySpan<char> word = question.AsSpan(start, i - start);
            bool stands = IsPartOfAName(question, start, i)
                || !Words.GetAlternateLookup<ReadOnlySpan<char>>().Contains(word);
            if (stands)
            {
                kept.Append(word);
                isContent |= !EnglishStopWords.Contains(word.ToString().ToLowerInvariant());
            }
            else
            {
                kept.Append(' ');
            }
        }

        return isContent ? kept.ToString() : question;
    }

    // A question mark says so, or the first word does.
    private static bool IsQuestion(string text)
    {
        ReadOnlySpan<char> first = text.AsSpan().TrimStart();
        int length = 0;
        while (length < first.Length && char.IsLetterOrDigit(first[length]))
        {
            length++;
        }

        return text.Contains('?', StringComparison.Ordinal)
            || Words.GetAlternateLookup<ReadOnlySpan<char>>().Contains(first[..length]);
    }

    // "how-to", "who_is", "can.bus": a word that is joined to another is a name, not a question.
    private static bool IsPartOfAName(string text, int start, int end) =>
        (start > 1 && text[start - 1] is '-' or '_' or '.' or ':' or '/' && char.IsLetterOrDigit(text[start - 2]))
        || (end + 1 < text.Length && text[end] is '-' or '_' or '.' or ':' or '/'
        && char.IsLetterOrDigit(text[end + 1]));
}
