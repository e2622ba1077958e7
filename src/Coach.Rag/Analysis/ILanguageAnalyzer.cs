namespace Coach.Rag;

/// <summary>
/// What retrieval has to know of one language: the words that say nothing, and what the forms of a word have in common.
/// English is built in; <c>Coach.Rag.Languages</c> brings others. A document is indexed in the language that it is
/// written in, a question is asked in its own. Implementations are called by several threads at once.
/// </summary>
public interface ILanguageAnalyzer
{
    /// <summary>The language's two-letter code (ISO 639-1), lower case: <c>de</c>.</summary>
    string Language { get; }

    /// <summary>
    /// The name of the algorithm with a version that rises with every change to a stem or a stop word, for example
    /// <c>snowball/1</c>: an index that another one made is made again from its stored text.
    /// </summary>
    /// <value>Up to 24 letters, digits, hyphens and slashes.</value>
    string Algorithm { get; }

    /// <summary>
    /// Words that carry no topic, in lower case with their accents (NFC). They are not indexed, and the language of a
    /// text is told by them.
    /// </summary>
    IReadOnlyCollection<string> StopWords { get; }

    /// <summary>
    /// Whether the language writes compounds as one word ("Datenbankverbindung"): then a word that no passage has is
    /// looked for as a part of such words, and by its parts.
    /// </summary>
    bool WritesCompounds { get; }

    /// <summary>The stem that the forms of a word have in common.</summary>
    /// <param name="word">Letters only, in lower case with their accents (NFC).</param>
    /// <returns>
    /// The stem; the word where there is nothing to take off. When this throws, the word stands for it.
    /// </returns>
    string Stem(string word);
}
