using System.Globalization;
using System.Text;

namespace Coach.Llm.Mock;

/// <summary>
/// Whether two words may be forms of one, in a language of which nothing is known: they begin alike for most of their
/// length, or one is the end of the other ("Verbindung", "Datenbankverbindung"). Passages that retrieval found by a
/// language's own stems are quoted by this.
/// </summary>
internal static class WordForms
{
    private const int MinWanted = 3;
    private const int MinAlike = 5;
    private const double LeastAlike = 0.6;
    private const int MinMiddle = 7;
    private const double LeastMiddle = 0.6;

    // Words that ask, join and point in the languages that are asked most beside English.
    private static readonly HashSet<string> Elsewhere =
    [
        .. ("der die das den dem des ein eine einen einem eines einer und oder ist sind war wird werden wurde hat haben "
            + "ich wir sie mein meine meinen kann kannst muss darf soll will wie was wer wann warum welche welcher "
            + "welches nicht auch auf aus bei für mit von vom zum zur nach über unter wenn dass man sich dann noch nur "
            + "les des une est sont que qui quoi quel quelle quand comment pourquoi dans pour avec sur pas plus mon mes "
            + "mes vais dois peut peux faut leur nous vous elle ils "
            + "los las del una por para con sin qué cómo cuándo dónde cuál quién está están hay puedo tengo debo sus "
            + "gli dei della delle nel nella che come dove quando perché cosa sono posso devo mio mia "
            + "dos das uma não com sem por que como onde quando qual posso tenho meu minha "
            + "het een van niet hoe waar wanneer waarom welke wat zijn kan moet naar voor bij mijn met door "
            + "och att det som för med inte hur var när varför vilken kan ska till min mitt "
            + "что как где когда почему какой какая это для или при если можно нужно мой моя").Split(' '),
    ];

    // Words of English questions that are none of another language's.
    private static readonly HashSet<string> English =
    [
        "the", "how", "what", "when", "where", "which", "who", "why", "is", "are", "do", "does", "did", "can", "could",
        "should", "would", "to", "of", "and", "for", "with", "my", "i", "you", "your", "it", "if", "this", "that",
        "there", "from", "have", "has", "be", "on", "or", "not", "a", "me", "tell", "write", "give", "show", "in", "at",
    ];

    /// <summary>
    /// Whether a question reads as English: unless it has more of another language's common words, or letters that
    /// English lacks and none of its common words.
    /// </summary>
    public static bool IsEnglish(IEnumerable<string> words)
    {
        int english = 0, elsewhere = 0;
        bool isAscii = true;
        foreach (string word in words)
        {
            english += English.Contains(word) ? 1 : 0;
            elsewhere += Elsewhere.Contains(word) ? 1 : 0;
            isAscii &= word.All(char.IsAscii);
        }

        return elsewhere <= english && (isAscii || english > 0);
    }

    /// <summary>The words of a question that may carry meaning; pairs of characters of unspaced scripts.</summary>
    public static HashSet<string> Wanted(IEnumerable<string> words) =>
    [
        .. words.Where(word => (word.Length >= MinWanted && !Elsewhere.Contains(word)) || word.Any(IsUnspaced)),
    ];

    /// <summary>Whether one of a text's words is a form of the word.</summary>
    public static bool Meets(string word, HashSet<string> words)
    {
        if (words.Contains(word))
        {
            return true;
        }

        if (word.Length < MinAlike)
        {
            return false;
        }

        string folded = Fold(word);
        return words.Any(other => other.Length >= MinAlike && IsForm(folded, Fold(other)));
    }

    private static bool IsForm(string one, string other)
    {
        if (one.EndsWith(other, StringComparison.Ordinal) || other.EndsWith(one, StringComparison.Ordinal))
        {
            return true;
        }

        int shorter = Math.Min(one.Length, other.Length);
        int alike = one.AsSpan().CommonPrefixLength(other);
        return (alike >= MinAlike - 1 && alike >= shorter * LeastAlike) || SharesItsMiddle(one, other, shorter);
    }

    // "zurückerstattet" and "Rückerstattungen": long words that share most of the shorter one.
    private static bool SharesItsMiddle(string one, string other, int shorter)
    {
        int needed = Math.Max(MinMiddle, (int)Math.Ceiling(shorter * LeastMiddle));
        for (int start = 0; start + needed <= one.Length; start++)
        {
            if (other.AsSpan().IndexOf(one.AsSpan(start, needed)) >= 0)
            {
                return true;
            }
        }

        return false;
    }

    private static string Fold(string word)
    {
        if (word.All(char.IsAscii))
        {
            return word;
        }

        var folded = new StringBuilder(word.Length);
        foreach (char c in word.Replace("ß", "ss", StringComparison.Ordinal).Normalize(NormalizationForm.FormD))
        {
            if (CharUnicodeInfo.GetUnicodeCategory(c) != UnicodeCategory.NonSpacingMark)
            {
                folded.Append(c);
            }
        }

        return folded.ToString();
    }

    private static bool IsUnspaced(char c) =>
        c >= '\u0E00' && CharUnicodeInfo.GetUnicodeCategory(c) == UnicodeCategory.OtherLetter;
}
