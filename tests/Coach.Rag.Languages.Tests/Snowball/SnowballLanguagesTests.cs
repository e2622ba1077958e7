using FsCheck;
using FsCheck.Fluent;

namespace Coach.Rag.Languages.Tests.Snowball;

public sealed class SnowballLanguagesTests
{
    public static TheoryData<string> Codes { get; } = [.. SnowballLanguages.Codes];

    /// <summary>Whatever word comes, a stem comes back, and the same one from every thread.</summary>
    [Theory]
    [MemberData(nameof(Codes))]
    public void Stem_AnyWord_IsTheSameOnEveryThread(string code)
    {
        ILanguageAnalyzer language = SnowballLanguages.Create(code);
        string[] words = [.. Gen.Sample(ArbMap.Default.GeneratorFor<NonEmptyString>(), 200).Select(word => word.Get.ToLowerInvariant()), .. language.StopWords];
        string[] once = [.. words.Select(language.Stem)];

        Parallel.For(0, words.Length * 8, i => Assert.Equal(once[i % words.Length], language.Stem(words[i % words.Length])));
    }

    /// <summary>The examples of the algorithms' own pages: one word in two forms.</summary>
    [Theory]
    [InlineData("de", "häuser", "haus")]
    [InlineData("fr", "résiliés", "résilier")]
    [InlineData("es", "canceladas", "cancelar")]
    [InlineData("it", "annullati", "annullare")]
    [InlineData("pt", "canceladas", "cancelar")]
    [InlineData("nl", "huizen", "huizen")]
    [InlineData("sv", "prenumerationer", "prenumerationen")]
    [InlineData("ru", "подписки", "подписку")]
    [InlineData("da", "husene", "huset")]
    [InlineData("no", "husene", "huset")]
    [InlineData("fi", "talojen", "talo")]
    [InlineData("hu", "házak", "házat")]
    [InlineData("ro", "abonamentele", "abonamente")]
    [InlineData("tr", "evler", "evi")]
    [InlineData("ca", "canceladas", "cancelar")]
    public void Stem_TwoForms_AreOne(string code, string one, string other)
    {
        ILanguageAnalyzer language = SnowballLanguages.Create(code);

        Assert.Equal(language.Stem(one), language.Stem(other));
    }
}
