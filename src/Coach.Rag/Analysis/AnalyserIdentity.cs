namespace Coach.Rag.Analysis;

/// <summary>
/// Names the analysis that turns text into terms. An index keeps it: terms that another analysis made do not meet those
/// of a question, so an index of another identity must be made again from its stored text.
/// </summary>
internal static class AnalyserIdentity
{
    /// <summary>
    /// Stop words and stems by name, and a version that rises with every change to a term that any text gives. The
    /// languages that a host adds stand behind it (<see cref="TextAnalysis.Identity"/>).
    /// </summary>
    public const string English = "english-porter/2";
}
