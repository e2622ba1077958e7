using System.Text;
using Coach.Rag.Analysis;

namespace Coach.Rag.Tests.Analysis;

public sealed class AnalyserIdentityTests
{
    private const string Probe = """
        The caresses of ponies, agreed and plastered: motoring, hopping, falling, filing, happy skies; relational conditional vietnamization,
        electriciti hopefulness adjustment adoption bowdlerize probate controll generalizations oscillators. The pilot's cockpit; Crème brûlée,
        naïve. RetrieveAsync ERR_KEY_MISSING Coach:Rag:Top mRNA IL-10 1.2–1.8 TNF-α 東京都は Ёлка ｆｕｌｌ width soft­hyphen שָׁלוֹם Straße œuvre
        C++ C# .NET ﬁle ｶﾞｽ か゛
        """;

    /// <summary>Who changes what the analysis gives must raise its version, or old indexes would answer with terms that nobody asks for.</summary>
    [Fact]
    public void Current_ProbeText_GivesTheTermsOfThisVersion()
    {
        var terms = new List<string>();
        var sink = new TermSink(terms);
        Tokenizer.Run(Probe.ReplaceLineEndings("\n"), ref sink);
        byte[] hash = System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes(string.Join(' ', terms)));
        Assert.Equal("english-porter/2 bf77cae50a682444", $"{AnalyserIdentity.English} {Convert.ToHexStringLower(hash)[..16]}");
    }

    private readonly struct TermSink(List<string> terms) : ITokenSink
    {
        public void Accept(scoped Span<char> token, scoped ReadOnlySpan<char> written)
        {
            int length = TermNormalizer.Normalize(token);
            if (length > 0)
            {
                terms.Add(new string(token[..length]));
            }
        }
    }
}
