using System.Collections.Frozen;

namespace Coach.Payments.Amounts;

/// <summary>
/// How Stripe counts each currency (https://docs.stripe.com/currencies, "Zero-decimal", "Three-decimal" and "Special
/// cases", read 2026-07).
/// </summary>
/// <param name="Code">The ISO 4217 code in lower case.</param>
/// <param name="MinorDigits">Decimal digits of the amount as sent: 0, 2 or 3.</param>
/// <param name="ShownDigits">Decimal digits as people write them.</param>
/// <param name="Step">Amounts must be multiples of it, in minor units.</param>
/// <param name="Minimum">The smallest charge Stripe's page lists, in minor units; null where it lists none. Only a
/// hint: the rule applies to the settlement currency, so the server decides.</param>
/// <param name="Maximum">The largest amount, in minor units: eight digits, where Stripe's page names no more.</param>
internal sealed record CurrencyRules(
    string Code, int MinorDigits, int ShownDigits, long Step, long? Minimum, long Maximum)
{
    private const string ZeroDecimal = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf";
    private const string ThreeDecimal = "bhd jod kwd omr tnd";

    // Two digits on the wire for the sake of old integrations, whole units only.
    private const string WholeUnitsOnly = "isk ugx";

    private const string TwoDecimal =
        "aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd btn bwp byn bzd cad cdf "
        + "chf cny cop crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel ghs gip gmd gtq gyd hkd hnl htg huf "
        + "idr ils inr jmd kes kgs khr kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr "
        + "mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln qar ron rsd rub sar sbd scr sek sgd shp sle sos "
        + "srd std szl thb tjs top try ttd twd tzs uah usd uyu uzs wst xcd xcg yer zar zmw";

    private const string Minimums =
        "usd 50 aed 200 aud 50 bgn 100 brl 50 cad 50 chf 50 czk 1500 dkk 250 eur 50 gbp 30 hkd 400 huf 17500 "
        + "inr 50 jpy 50 mxn 1000 myr 200 nok 300 nzd 50 pln 200 ron 200 sek 300 sgd 50";

    private static readonly FrozenDictionary<string, CurrencyRules> All = Build();

    private static readonly FrozenDictionary<string, CurrencyRules>.AlternateLookup<ReadOnlySpan<char>> BySpan =
        All.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>The largest amount Stripe takes: eight digits.</summary>
    public const long MaxMinorUnits = 99_999_999;

    /// <summary>What Stripe takes in IDR, where eight digits are some sixty dollars: twelve
    /// (https://docs.stripe.com/currencies, "Minimum and maximum charge amounts", 2026-11).</summary>
    private const long TwelveDigits = 999_999_999_999;

    public static IEnumerable<string> Codes => All.Keys.Order(StringComparer.Ordinal);

    /// <summary>Finds a currency by its three letters, in either case.</summary>
    public static CurrencyRules? Find(ReadOnlySpan<char> code)
    {
        if (code.Length != 3)
        {
            return null;
        }

        Span<char> lower = stackalloc char[3];
        for (int i = 0; i < 3; i++)
        {
            if (!char.IsAsciiLetter(code[i]))
            {
                return null;
            }

            lower[i] = (char)(code[i] | 0x20);
        }

        return BySpan.TryGetValue(lower, out CurrencyRules? rules) ? rules : null;
    }

    /// <summary>Minor units in one unit as people name it: 100 for usd, 1 for jpy.</summary>
    public long UnitsPerMajor => MinorDigits switch { 0 => 1, 2 => 100, _ => 1000 };

    private static FrozenDictionary<string, CurrencyRules> Build()
    {
        string[] words = Minimums.Split(' ');
        var minimums = new Dictionary<string, long>(StringComparer.Ordinal);
        for (int i = 0; i < words.Length; i += 2)
        {
            minimums[words[i]] = long.Parse(words[i + 1], System.Globalization.CultureInfo.InvariantCulture);
        }

        var all = new Dictionary<string, CurrencyRules>(StringComparer.Ordinal);
        Add(ZeroDecimal, 0, 0, 1);
        Add(TwoDecimal, 2, 2, 1);
        Add(WholeUnitsOnly, 2, 0, 100);
        Add(ThreeDecimal, 3, 3, 10);
        return all.ToFrozenDictionary(StringComparer.Ordinal);

        void Add(string codes, int minorDigits, int shownDigits, long step)
        {
            foreach (string code in codes.Split(' '))
            {
                long? minimum = minimums.TryGetValue(code, out long least) ? least : null;
                long maximum = code == "idr" ? TwelveDigits : MaxMinorUnits;
                all.Add(code, new CurrencyRules(code, minorDigits, shownDigits, step, minimum, maximum));
            }
        }
    }
}
