using System.Collections.Frozen;
using Coach.Rag.Analysis;

namespace Coach.Rag.Search;

/// <summary>A follow-up, completed from what was said before.</summary>
/// <param name="Completed">The question to search for.</param>
/// <param name="Own">The terms of the question as it was asked.</param>
/// <param name="Context">The terms that were taken over.</param>
/// <param name="IsCertain">
/// Whether the question cannot stand by itself; else the documents decide whether it belongs to what was said.
/// </param>
internal sealed record FollowUp(string Completed, HashSet<string> Own, HashSet<string> Context, bool IsCertain);

/// <summary>
/// Ellipsis and anaphora of questions, by their function words: whether one goes on from the question before ("and on
/// Windows?", "how much does it cost?"), and that question's words, without those that the new one replaces.
/// </summary>
internal static class FollowUpQuestion
{
    private const int MaxTurns = 4;
    private const int MaxOwnWithPronoun = 16;
    private const int MaxContext = 24;
    private const int FewWords = 2;
    private const int MaxReplaced = 2;

    private static readonly FrozenSet<string> Openings = Set(
        "and or but also then what's und oder aber auch et ou mais aussi y pero tambien también e ed "
        + "o ma anche ou mas também en of maar ook och eller men också и а или но");

    private static readonly string[] OpeningPhrases =
    [
        "what about", "how about", "what if", "same for", "the same for", "same question for", "wie sieht es mit",
        "wie ist es mit", "was ist mit", "und was ist mit", "qu'en est-il", "et pour", "qué hay de", "e per",
        "hoe zit het met", "hur är det med",
    ];

    private static readonly FrozenSet<string> Pronouns = Set(
        "it its itself they them theirs this these those he him his she her hers former latter otherwise instead "
        + "er es ihn ihm dies diese dieser dieses dort dafür damit davon dabei dagegen stattdessen sonst jene "
        + "elle ils elles lui leur ça cela celui celle ceux celles "
        + "él ella ellos ellas eso esto esos estos aquello "
        + "esso essa questo questa quello quella ciò "
        + "ele ela eles elas isso isto aquilo "
        + "hij hem dit deze daarvoor daarmee "
        + "dem denna detta dessa "
        + "он она оно они его ее её их это этот эта эти");

    private static readonly FrozenSet<string> GermanWords =
        Set("wie was wo wann warum kann wird hat ist geht kostet läuft soll muss mit für auf und");

    // "that" joins clauses more often than it points; it points behind or before these.
    private static readonly FrozenSet<string> BeforeThat = Set(
        "about do for of with to than like is does before after without mean on in doing");
    private static readonly FrozenSet<string> AfterThat = Set(
        "one work works mean means case way happen happens cost costs");
    private static readonly FrozenSet<string> Pointers = Set("which other another that this the last first second");
    private static readonly FrozenSet<string> Judgements = Set("possible true necessary safe okay ok worth better");
    private static readonly FrozenSet<string> Moments = Set("time date day");
    private static readonly FrozenSet<string> Beings = Set("is are was were be will would");
    private static readonly FrozenSet<string> Prepositions = Set(
        "on in for with under from to using via at without over auf unter für mit ohne bei von nach "
        + "aus über sur sous pour avec sans dans en para con sin de per senza su op voor met zonder på "
        + "för med utan");

    private static readonly FrozenSet<string> Articles = Set(
        "the a an my our your der die das den dem ein eine einem einen le la les un une el los las "
        + "una il lo i gli het een en ett");

    // Words that ask, and say nothing of what is asked for, beyond those of QuestionWordFilter.
    private static readonly FrozenSet<string> Empty = Set(
        "what which who whom whose when where why how much many long often far more detail details "
        + "example examples please tell explain show give again else other another others one ones "
        + "there here yes no ok okay thanks thank you me i we us my our your do does did can could "
        + "should would shall may might must is are was were be been have has had not about about any "
        + "some just too work works "
        + "the a an of to in on for with at by from as and or but if so also than then that it its this"
        + " these those they them their he she his her same instead otherwise exactly really "
        + "wie was wo wann warum wer welche welcher welches wieviel viel mehr beispiel bitte genau ist "
        + "sind war kann muss soll wird gibt es das der die den dem ein eine und oder aber auch nicht "
        + "ich wir man mit für auf in zu von bei "
        + "comment quoi où quand pourquoi qui quel quelle combien est sont le la les un une des de du et ou "
        + "mais aussi "
        + "cómo qué dónde cuándo cuál quién cuánto es son el los las una unos de del y o pero");

    private static readonly string[] EastAsianOpenings =
    [
        "那", "还有", "另外", "以及", "它", "他们", "这", "其", "それ", "その", "そこ", "これ", "この", "では", "じゃあ",
        "また", "あと", "そして", "ほかに", "그럼", "그리고", "그것", "그건",
    ];

    private static readonly string[] EastAsianInside = ["它", "这个", "那个", "それは", "それを", "これは", "그것"];
    private static readonly string[] EastAsianEndings = ["呢", "は", "ほうは"];

    /// <summary>Completes a question; null when it stands by itself, or there is nothing to complete it from.</summary>
    public static FollowUp? Read(string question, IReadOnlyList<EarlierTurn> earlier)
    {
        if (earlier.Count == 0 || string.IsNullOrWhiteSpace(question))
        {
            return null;
        }

        string trimmed = question.Trim();
        List<string> words = WordsOf(trimmed);
        Dependence dependence = DependenceOf(trimmed, words);
        if (dependence == Dependence.None)
        {
            return null;
        }

        HashSet<string> own = TermSet.Of(string.Join(' ', words.Where(IsContent)));
        string rest = WithoutOpening(trimmed);
        List<string> context = ContextOf(words, own, earlier);
        if (context.Count == 0)
        {
            return null;
        }

        string taken = string.Join(' ', context);
        HashSet<string> terms = TermSet.Of(taken);
        return new FollowUp($"{taken} {rest}", own, terms, dependence == Dependence.Certain || own.Count == 0);
    }

    private static Dependence DependenceOf(string question, List<string> words)
    {
        if (question.Any(IsEastAsian))
        {
            return IsEastAsianFollowUp(question) ? Dependence.Certain : Dependence.None;
        }

        int content = words.Count(IsContent);
        int pronoun = content <= MaxOwnWithPronoun ? PronounIn(words) : -1;
        if (pronoun >= 0)
        {
            // After several words of its own a pronoun may mean one of them.
            return words.Take(pronoun).Count(IsContent) < FewWords ? Dependence.Certain : Dependence.Likely;
        }

        if (words.Count == 0 || content == 0)
        {
            return words.Count == 0 ? Dependence.None : Dependence.Certain;
        }

        bool opens = Openings.Contains(words[0])
            || OpeningPhrases.Any(phrase => question.StartsWith(phrase, StringComparison.OrdinalIgnoreCase));
        if (opens)
        {
            return Dependence.Likely;
        }

        // A fragment: few words, and no verb that asks.
        bool isFragment = content <= FewWords && (Prepositions.Contains(words[0]) || words.Count <= FewWords);
        return isFragment ? Dependence.Likely : Dependence.None;
    }

    // The first word that points at something said before; -1 when there is none.
    private static int PronounIn(List<string> words) =>
        Enumerable.Range(0, words.Count).FirstOrDefault(at => Points(words, at), -1);

    private static bool Points(List<string> words, int at)
    {
        string before = at > 0 ? words[at - 1] : "";
        string after = at + 1 < words.Count ? words[at + 1] : "";
        bool hasClause = at + 3 < words.Count;
        return words[at].ToLowerInvariant() switch
        {
            "that" => after.Length == 0 || BeforeThat.Contains(before) || AfterThat.Contains(after),
            "there" => !Beings.Contains(before) && !Beings.Contains(after),
            "same" => after.Length == 0,
            "instead" => after != "of",
            "one" or "ones" => Pointers.Contains(before),

            // "is it possible to back up …", "what time is it", "gibt es …": nothing is pointed at.
            "it" => !(hasClause && Judgements.Contains(after)) && !words.Exists(Moments.Contains),
            "es" => words.Exists(GermanWords.Contains) && after != "gibt" && before != "gibt",
            var word => Pronouns.Contains(word),
        };
    }

    private static bool IsEastAsianFollowUp(string question)
    {
        string bare = question.TrimEnd('?', '？', '。', '.', ' ', '吗', 'か');
        return EastAsianOpenings.Any(opening => question.StartsWith(opening, StringComparison.Ordinal))
            || EastAsianInside.Any(inside => question.Contains(inside, StringComparison.Ordinal))
            || EastAsianEndings.Any(ending => bare.EndsWith(ending, StringComparison.Ordinal));
    }

    // From the question before back to one that stands by itself; then what was cited, where they name no topic.
    private static List<string> ContextOf(List<string> words, HashSet<string> own, IReadOnlyList<EarlierTurn> earlier)
    {
        var taken = new HashSet<string>(own, StringComparer.Ordinal);
        var context = new List<string>();
        var later = new List<string>(words);
        for (int t = earlier.Count - 1; t >= Math.Max(0, earlier.Count - MaxTurns); t--)
        {
            string before = earlier[t].Question.Trim();
            List<string> said = WordsOf(before);
            bool isFirst = t == 0 || DependenceOf(before, said) == Dependence.None;
            List<string> kept = [.. Unreplaced(said, later).Where(word => IsContent(word) && IsNew(word, taken))];
            context.InsertRange(0, kept);
            later.AddRange(said);
            if (isFirst || context.Count >= MaxContext)
            {
                break;
            }
        }

        if (context.Count < FewWords && earlier[^1].Cited is [{ } cited, ..])
        {
            string heading = cited.Heading.Split(" › ")[^1];
            context.InsertRange(0, WordsOf(heading).Where(word => IsContent(word) && IsNew(word, taken)));
        }

        return context.Count > MaxContext ? context[^MaxContext..] : context;
    }

    // "How do I install it on Linux?", "and on Windows?": the new place takes the old one's.
    private static IEnumerable<string> Unreplaced(List<string> said, List<string> later)
    {
        HashSet<string> replaced = new(later.Where(Prepositions.Contains), StringComparer.OrdinalIgnoreCase);
        int left = 0;
        foreach (string word in said)
        {
            if (Prepositions.Contains(word))
            {
                left = replaced.Contains(word) ? MaxReplaced : 0;
            }
            else if (Articles.Contains(word))
            {
                continue;
            }
            else if (left > 0 && IsContent(word))
            {
                left--;
                continue;
            }
            else
            {
                left = 0;
                yield return word;
            }
        }
    }

    private static bool IsNew(string word, HashSet<string> taken)
    {
        HashSet<string> terms = TermSet.Of(word);
        return terms.Count > 0 && terms.Any(taken.Add);
    }

    private static string WithoutOpening(string question)
    {
        foreach (string phrase in OpeningPhrases)
        {
            if (question.StartsWith(phrase + " ", StringComparison.OrdinalIgnoreCase))
            {
                return question[(phrase.Length + 1)..];
            }
        }

        int space = question.IndexOf(' ', StringComparison.Ordinal);
        return space > 0 && Openings.Contains(question[..space].TrimEnd(','))
            ? WithoutOpening(question[(space + 1)..].TrimStart())
            : question;
    }

    private static bool IsContent(string word) =>
        !Empty.Contains(word) && !EnglishStopWords.Contains(word.ToLowerInvariant());

    // Letters, digits and what joins them within a name; scripts without spaces stay as they are.
    private static List<string> WordsOf(string text)
    {
        var words = new List<string>();
        int start = -1;
        for (int i = 0; i <= text.Length; i++)
        {
            bool isWord = i < text.Length
                && (char.IsLetterOrDigit(text[i]) || text[i] is '_' or '#' or '+' || IsJoint(text, i));
            if (isWord)
            {
                start = start < 0 ? i : start;
            }
            else if (start >= 0)
            {
                words.Add(text[start..i]);
                start = -1;
            }
        }

        return words;
    }

    private static bool IsJoint(string text, int at) => text[at] is '.' or '-' or '/' or '\'' or '’'
        && at > 0 && at + 1 < text.Length && char.IsLetterOrDigit(text[at - 1]) && char.IsLetterOrDigit(text[at + 1]);

    private static bool IsEastAsian(char c) =>
        c is (>= '\u3040' and <= '\u30FF') or (>= '\u3400' and <= '\u9FFF') or (>= '\uAC00' and <= '\uD7A3');

    private static FrozenSet<string> Set(string words) =>
        words.Split(' ').ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    private enum Dependence
    {
        None,
        Likely,
        Certain,
    }
}
