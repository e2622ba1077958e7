namespace Coach.Rag.Languages.Snowball;

/// <summary>
/// The words that ask and say nothing of what is asked for. Lucene's stop words are those of texts, in which hardly
/// anybody asks; in a small collection a "why" is as rare as a word that matters.
/// </summary>
internal static class InterrogativeWords
{
    private static readonly Dictionary<string, string> Words = new(StringComparer.Ordinal)
    {
        ["ca"] = "què qui quin quina quins quines quan com on perquè puc vull cal si us plau",
        ["da"] = "hvad hvem hvilken hvilket hvilke hvornår hvordan hvor hvorfor får kan skal gerne",
        ["de"] = "was wer wem wen wessen welche welcher welches wann wie wo wohin woher warum wieso weshalb wieviel "
            + "möchte möchten bekomme bekommen gibt geht bitte kannst könnt darf dürfen muss müssen ab",
        ["es"] = "qué quién quiénes cuál cuáles cuándo cómo dónde cuánto cuánta cuántos cuántas puedo quiero hay debo "
            + "puede favor",
        ["fi"] = "mikä mitä kuka ketä kumpi milloin miten kuinka missä mistä mihin miksi montako voinko saan haluan onko",
        ["fr"] = "quoi quel quelle quels quelles quand comment où combien pourquoi lequel laquelle puis peut peux veux "
            + "vais dois faut est-ce",
        ["hu"] = "mi mit ki kit melyik mikor hogyan hol hová honnan miért mennyi hány tudom szeretném",
        ["it"] = "cosa chi quale quali quando come dove quanto quanta quanti quante perché posso voglio devo può dov",
        ["nl"] = "wat wie welke welk wanneer hoe waar waarom hoeveel krijg kan kun moet mag graag",
        ["no"] = "hva hvem hvilken hvilket hvilke når hvordan hvor hvorfor får kan skal",
        ["pt"] = "que quem qual quais quando como onde aonde quanto quanta quantos quantas porquê porque posso quero "
            + "devo pode",
        ["ro"] = "ce cine care când cum unde cât câtă de pot vreau trebuie",
        ["ru"] = "что кто какой какая какое какие когда как где куда откуда почему зачем сколько могу хочу можно нужно",
        ["sv"] = "vad vem vilken vilket vilka när hur var varför får kan ska vill",
        ["tr"] = "ne kim hangi ne zaman nasıl nerede nereye neden niçin kaç istiyorum",
    };

    /// <summary>Those of a language; none where they are not known.</summary>
    public static IEnumerable<string> Of(string language) =>
        Words.TryGetValue(language, out string? words) ? words.Split(' ') : [];
}
