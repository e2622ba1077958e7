namespace Coach.Rag.Lsa;

/// <summary>
/// How far one question trusts latent semantic analysis. Nothing is learnt: every factor says when a topic may overrule
/// words, and was kept only because it did so on judged and on derived collections alike
/// (<c>docs/decisions/0202-how-far-to-trust-the-latent-arm.md</c>).
/// </summary>
internal static class LsaFusionWeight
{
    /// <summary>What the feedback is fused with, before the trust is known.</summary>
    public const float Feedback = 0.2f;

    /// <summary>The weight behind the first ten rows, where a passage that the words missed can only be won.</summary>
    public const float Tail = 0.45f;

    private const float Least = 0.1f;
    private const float Most = 0.5f;

    /// <summary>The weight of latent semantic analysis in the fusion.</summary>
    /// <param name="known">
    /// The share of the question's words, by weight, that the space knows: it can judge no more than that.
    /// </param>
    /// <param name="agreement">
    /// The cosine of BM25's best passage, as a share of the best cosine among its candidates: where the space finds
    /// that passage far off, it has not understood the question.
    /// </param>
    /// <param name="coverage">
    /// The share of the question's words, by weight, that BM25's best passage holds: with all of them, words have said
    /// it.
    /// </param>
    /// <param name="terms">
    /// Different terms of the question: a whole text as a question is told apart by its details, not by its topic.
    /// </param>
    /// <param name="averageLength">Terms of a passage: few words do not place a passage well.</param>
    public static float Weight(float known, float agreement, float coverage, int terms, double averageLength) =>
        known
        * Between(agreement, 0.7f, 1, Least, Most)
        * Between(coverage, 0.8f, 1, 1, 0.35f)
        * Between(terms, 15, 40, 1, 0.2f)
        * Between((float)averageLength, 12, 50, 0.3f, 1);

    private static float Between(float value, float from, float to, float first, float last) =>
        first + (Math.Clamp((value - from) / (to - from), 0, 1) * (last - first));
}
