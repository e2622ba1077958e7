using Coach.Rag.Analysis;

namespace Coach.Rag.Tests.Analysis;

public sealed class TokenizerTests
{
    // From the vocabulary of the algorithm's page (tartarus.org/martin/PorterStemmer).
    [Theory]
    [InlineData("caresses", "caress")]
    [InlineData("ponies", "poni")]
    [InlineData("cats", "cat")]
    [InlineData("agreed", "agre")]
    [InlineData("plastered", "plaster")]
    [InlineData("motoring", "motor")]
    [InlineData("hopping", "hop")]
    [InlineData("falling", "fall")]
    [InlineData("filing", "file")]
    [InlineData("happy", "happi")]
    [InlineData("sky", "sky")]
    [InlineData("relational", "relat")]
    [InlineData("conditional", "condit")]
    [InlineData("vietnamization", "vietnam")]
    [InlineData("electriciti", "electr")]
    [InlineData("hopefulness", "hope")]
    [InlineData("adjustment", "adjust")]
    [InlineData("adoption", "adopt")]
    [InlineData("bowdlerize", "bowdler")]
    [InlineData("probate", "probat")]
    [InlineData("controll", "control")]
    [InlineData("generalizations", "gener")]
    [InlineData("oscillators", "oscil")]
    public void Stem_KnownWords_GiveTheirStems(string word, string stem)
    {
        char[] letters = word.ToCharArray();
        Assert.Equal(stem, new string(letters, 0, PorterStemmer.Stem(letters)));
    }

    [Theory]
    [InlineData("The pilot's cockpit", "the pilot cockpit")]
    [InlineData("Crème brûlée, naïve", "creme brulee naive")]
    [InlineData("RetrieveAsync ERR_KEY_MISSING Coach:Rag:Top", "retrieveasync retrieve async err key missing coach rag top")]
    [InlineData("mRNA IL-10 1.2–1.8", "mrna rna il 10 1 2 1 8")]
    [InlineData("TNF-α", "tnf alpha")]
    [InlineData("東京都は", "東京 京都 都は")]
    [InlineData("Ёлка и дерево", "елка и дерево")]
    [InlineData("ｆｕｌｌ width", "full width")]
    [InlineData("soft\u00ADhyphen zero\u200Bwidth", "softhyphen zerowidth")]
    [InlineData("שָׁלוֹם", "שלום")]
    [InlineData("Straße œuvre", "strasse oeuvre")]
    [InlineData("C, C++ and C#; F#.", "c c++ and c# f#")]
    [InlineData("C++20, C#12, c++", "c++ 20 c# 12 c++")]
    [InlineData("Notepad++ g++ (C++)", "notepad notepad++ g++ c++")]
    [InlineData(".NET, ASP.NET, example.net, a net", ".net net asp net example net a net")]
    [InlineData("node.js i++ a+b C+++ C## issue#12 C#x 1++", "node js i++ a b c c issue 12 c x 1")]
    [InlineData("ﬁle oﬀer baﬄe ﬆ", "file offer baffle st")]
    [InlineData("ガス ぱん ゔ", "ガス ぱん ゔ")]
    [InlineData("ｶﾞｽ ﾊﾟﾝ ﾃｽﾄ", "ガス パン テス スト")]
    [InlineData("が", "が")]
    [InlineData("", "")]
    public void Run_Texts_GiveTheirTokens(string text, string tokens) => Assert.Equal(tokens, string.Join(' ', Tokens(text)));

    [Fact]
    public void Run_AnyText_EndsInBoundedTokens() => FsCheck.Check.QuickThrowOnFailure(FsCheck.Fluent.Prop.ForAll(
        FsCheck.Fluent.ArbMap.Default.ArbFor<string>(), text => Tokens(text ?? "").All(token => token.Length is > 0 and <= Tokenizer.MaxTokenLength + 2)));

    [Fact]
    public void Run_OneHugeWord_IsCut() => Assert.Equal([64], Tokens(new string('x', 1_000_000)).Select(token => token.Length));

    private static List<string> Tokens(string text)
    {
        var tokens = new List<string>();
        var sink = new Sink(tokens);
        Tokenizer.Run(text, ref sink);
        return tokens;
    }

    private readonly struct Sink(List<string> tokens) : ITokenSink
    {
        public void Accept(scoped Span<char> token, scoped ReadOnlySpan<char> written) => tokens.Add(new string(token));
    }
}
