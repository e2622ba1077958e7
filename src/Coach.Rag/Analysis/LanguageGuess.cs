using System.Collections.Frozen;
using System.Text;

namespace Coach.Rag.Analysis;

/// <summary>
/// Whether a question is in English, by its letters and its commonest words: enough to tell how far an encoder of
/// English can be trusted with it.
/// </summary>
internal static class LanguageGuess
{
    private const double MostForeignLetters = 0.3;

    // The commonest words of a language that are no words of English.
    private static readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> Foreign = Words(
        "der die das und ist nicht ein eine einen einem eines ich wir wie wo wann warum welche welcher welches auf mit "
        + "für von zum zur den dem des sich kann muss wird sind wenn aber oder über "
        + "le la les des est une dans pour que qui quoi où quand comment pourquoi avec sur pas plus sont peut au aux du "
        + "el los las una es en con para por qué cómo cuándo dónde cuál está hay puedo del "
        + "il lo gli di che come dove quando perché sono della nel per con "
        + "o os as um uma em não como onde quando qual para pelo pela "
        + "het een van niet hoe waar wanneer waarom welke zijn kan naar voor bij "
        + "och är inte hur var när varför vilken kan till för med som att det ett");

    private static readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> English = Words(
        "the a an and is are was not how where when why which what who does do can must will of to in on with for from by "
        + "it if but or i we you my your this that there should has have be");

    /// <summary>The commonest words of English.</summary>
    public static IEnumerable<string> CommonEnglish => English.Set;

    public static bool IsEnglish(ReadOnlySpan<char> text)
    {
        int letters = 0, foreignLetters = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (Rune.IsLetter(rune))
            {
                letters++;
                foreignLetters += rune.Value >= 0x250 ? 1 : 0;    // past the Latin letters
            }
        }

        if (foreignLetters > letters * MostForeignLetters)
        {
            return false;
        }

        int english = 0, foreign = 0;
        int start = -1;
        for (int at = 0; at <= text.Length; at++)
        {
            if (at < text.Length && char.IsLetter(text[at]))
            {
                start = start < 0 ? at : start;
                continue;
            }

            if (start >= 0)
            {
                ReadOnlySpan<char> word = text[start..at];
                english += English.Contains(word) ? 1 : 0;
                foreign += Foreign.Contains(word) ? 1 : 0;
                start = -1;
            }
        }

        return foreign <= english;
    }

    private static FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> Words(string words) =>
        words.Split(' ').ToFrozenSet(StringComparer.OrdinalIgnoreCase).GetAlternateLookup<ReadOnlySpan<char>>();
}
