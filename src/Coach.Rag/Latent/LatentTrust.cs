namespace Coach.Rag;

/// <summary>
/// The weight of the latent arm in the fusion, by how rare the question's rarest word is: what a rare word says, the space has
/// mostly lost, and BM25 has not.
/// </summary>
/// <param name="CommonWeight">The weight up to <paramref name="CommonIdf"/>.</param>
/// <param name="RareWeight">The weight from <paramref name="RareIdf"/> on.</param>
/// <param name="CommonIdf">An inverse document frequency.</param>
/// <param name="RareIdf">A larger one.</param>
internal readonly record struct LatentTrust(float CommonWeight, float RareWeight, float CommonIdf, float RareIdf)
{
    /// <summary>What has done no harm anywhere (see <c>docs/decisions/0202-how-far-to-trust-the-latent-arm.md</c>).</summary>
    public static LatentTrust Cautious => new(0.2f, 0.2f, 1, 2);

    public float For(float largestIdf)
    {
        float share = RareIdf > CommonIdf ? Math.Clamp((largestIdf - CommonIdf) / (RareIdf - CommonIdf), 0, 1) : 0;
        return CommonWeight + (share * (RareWeight - CommonWeight));
    }
}
