using Coach.Rag.Languages.Snowball;
using Lucene.Net.Analysis.Ca;
using Lucene.Net.Analysis.Da;
using Lucene.Net.Analysis.De;
using Lucene.Net.Analysis.Es;
using Lucene.Net.Analysis.Eu;
using Lucene.Net.Analysis.Fi;
using Lucene.Net.Analysis.Fr;
using Lucene.Net.Analysis.Hu;
using Lucene.Net.Analysis.Hy;
using Lucene.Net.Analysis.It;
using Lucene.Net.Analysis.Nl;
using Lucene.Net.Analysis.No;
using Lucene.Net.Analysis.Pt;
using Lucene.Net.Analysis.Ro;
using Lucene.Net.Analysis.Ru;
using Lucene.Net.Analysis.Sv;
using Lucene.Net.Analysis.Tr;
using Lucene.Net.Tartarus.Snowball.Ext;
using DutchStemmer = Lucene.Net.Tartarus.Snowball.Ext.DutchStemmer;
using FrenchStemmer = Lucene.Net.Tartarus.Snowball.Ext.FrenchStemmer;
using PortugueseStemmer = Lucene.Net.Tartarus.Snowball.Ext.PortugueseStemmer;

namespace Coach.Rag.Languages;

/// <summary>The Snowball stemmers and the stop words that Lucene has for them, by language.</summary>
public static class SnowballLanguages
{
    private static readonly Dictionary<string, Func<ILanguageAnalyzer>> Makers = new(StringComparer.Ordinal)
    {
        ["ca"] = () => new SnowballAnalyzer("ca", static () => new CatalanStemmer(), CatalanAnalyzer.DefaultStopSet),
        ["da"] = () => new SnowballAnalyzer("da", static () => new DanishStemmer(), DanishAnalyzer.DefaultStopSet)
        {
            WritesCompounds = true,
        },
        ["de"] = () => new SnowballAnalyzer("de", static () => new German2Stemmer(), GermanAnalyzer.DefaultStopSet)
        {
            WritesCompounds = true,
        },
        ["es"] = () => new SnowballAnalyzer("es", static () => new SpanishStemmer(), SpanishAnalyzer.DefaultStopSet),
        ["eu"] = () => new SnowballAnalyzer("eu", static () => new BasqueStemmer(), BasqueAnalyzer.DefaultStopSet),
        ["fi"] = () => new SnowballAnalyzer("fi", static () => new FinnishStemmer(), FinnishAnalyzer.DefaultStopSet)
        {
            WritesCompounds = true,
        },
        ["fr"] = () => new SnowballAnalyzer("fr", static () => new FrenchStemmer(), FrenchAnalyzer.DefaultStopSet),
        ["hu"] = () => new SnowballAnalyzer("hu", static () => new HungarianStemmer(), HungarianAnalyzer.DefaultStopSet)
        {
            WritesCompounds = true,
        },
        ["hy"] = () => new SnowballAnalyzer("hy", static () => new ArmenianStemmer(), ArmenianAnalyzer.DefaultStopSet),
        ["it"] = () => new SnowballAnalyzer("it", static () => new ItalianStemmer(), ItalianAnalyzer.DefaultStopSet),
        ["nl"] = () => new SnowballAnalyzer("nl", static () => new DutchStemmer(), DutchAnalyzer.DefaultStopSet)
        {
            WritesCompounds = true,
        },
        ["no"] = () => new SnowballAnalyzer("no", static () => new NorwegianStemmer(), NorwegianAnalyzer.DefaultStopSet)
        {
            WritesCompounds = true,
        },
        ["pt"] = () => new SnowballAnalyzer(
            "pt", static () => new PortugueseStemmer(), PortugueseAnalyzer.DefaultStopSet),
        ["ro"] = () => new SnowballAnalyzer("ro", static () => new RomanianStemmer(), RomanianAnalyzer.DefaultStopSet),
        ["ru"] = () => new SnowballAnalyzer("ru", static () => new RussianStemmer(), RussianAnalyzer.DefaultStopSet),
        ["sv"] = () => new SnowballAnalyzer("sv", static () => new SwedishStemmer(), SwedishAnalyzer.DefaultStopSet)
        {
            WritesCompounds = true,
        },
        ["tr"] = () => new SnowballAnalyzer("tr", static () => new TurkishStemmer(), TurkishAnalyzer.DefaultStopSet),
    };

    /// <summary>
    /// The two-letter codes: Catalan, Danish, German, Spanish, Basque, Finnish, French, Hungarian, Armenian, Italian,
    /// Dutch, Norwegian, Portuguese, Romanian, Russian, Swedish, Turkish.
    /// </summary>
    public static IReadOnlyCollection<string> Codes => Makers.Keys;

    /// <summary>Makes the analyzer of a language.</summary>
    /// <param name="code">One of <see cref="Codes"/>.</param>
    /// <returns>The analyzer; it can be used by several threads at once.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="code"/> is null.</exception>
    /// <exception cref="ArgumentException">It is another one.</exception>
    public static ILanguageAnalyzer Create(string code)
    {
        ArgumentNullException.ThrowIfNull(code);
        return Makers.TryGetValue(code, out Func<ILanguageAnalyzer>? make)
            ? make()
            : throw new ArgumentException(
                $"There is no Snowball stemmer for '{code}'. Choose from {string.Join(", ", Codes)}; "
                + "English is built in. A language of your own is an ILanguageAnalyzer.",
                nameof(code));
    }
}
