using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json.Serialization;
using Coach.Payments.Amounts;

namespace Coach.Payments;

/// <summary>
/// An amount of money as Stripe counts it: whole minor units of one currency, 0 to 99,999,999, in IDR to
/// 999,999,999,999. No floating point anywhere.
/// </summary>
/// <remarks>
/// <para>Minor units follow Stripe's rules: two digits for most currencies, none for 15 of them (500 JPY is 500), three
/// for BHD, JOD, KWD, OMR and TND with a last digit of 0 (5.120 KWD is 5120). ISK and UGX are sent with two digits but
/// only in whole units (5 ISK is 500).</para>
/// <para><b>Rounding</b>: only percentages round, half away from zero, to the smallest amount that can be charged in
/// the currency.</para>
/// <para><c>default(Money)</c> has no currency and is refused wherever an amount is needed.</para>
/// </remarks>
[JsonConverter(typeof(MoneyJsonConverter))]
public readonly struct Money : IEquatable<Money>, IComparable<Money>
{
    /// <summary>The largest amount in most currencies, in minor units: eight digits. <see cref="Largest"/> tells that
    /// of each.</summary>
    public const long MaxMinorUnits = CurrencyRules.MaxMinorUnits;

    private const int MostPercentDecimals = 10;

    private readonly CurrencyRules? _rules;

    private Money(long minorUnits, CurrencyRules rules)
    {
        MinorUnits = minorUnits;
        _rules = rules;
    }

    /// <summary>The codes of every currency that is accepted, lower case, in alphabetical order.</summary>
    public static IReadOnlyList<string> Currencies { get; } = [.. CurrencyRules.Codes];

    /// <summary>The amount in minor units: 1250 is 12.50 USD, 1250 JPY, 1.250 KWD.</summary>
    public long MinorUnits { get; }

    /// <summary>The ISO 4217 code in lower case, as Stripe's requests have it; empty for <c>default</c>.</summary>
    public string Currency => _rules?.Code ?? "";

    /// <summary>Whether this is <c>default(Money)</c>, which has no currency.</summary>
    public bool IsEmpty => _rules is null;

    /// <summary>Whether the amount is 0.</summary>
    public bool IsZero => MinorUnits == 0;

    /// <summary>
    /// The smallest charge Stripe's currency page lists for this currency, or null. Only a hint: the rule applies to
    /// the currency the account settles in, so a smaller amount may pass and a larger one may not.
    /// </summary>
    public Money? SmallestUsualCharge => _rules?.Minimum is { } least ? new Money(least, _rules) : null;

    /// <summary>The largest amount of this currency: twelve digits in IDR, eight in all others; <c>default</c> for
    /// <c>default</c>.</summary>
    public Money Largest => _rules is null
        ? default
        : new Money(_rules.Maximum - (_rules.Maximum % _rules.Step), _rules);

    /// <summary>Makes an amount from minor units.</summary>
    /// <param name="minorUnits">0 to 99,999,999; a multiple of 100 in ISK and UGX, of 10 in three-decimal
    /// currencies.</param>
    /// <param name="currency">The ISO 4217 code, in either case.</param>
    /// <returns>The amount.</returns>
    /// <exception cref="ArgumentException">The currency or the amount is not one Stripe takes; the message says which
    /// and why.</exception>
    public static Money Create(long minorUnits, string currency)
    {
        if (TryCreate(minorUnits, currency, out Money money, out string? problem))
        {
            return money;
        }

        bool isUnknown = CurrencyRules.Find(currency) is null;
        throw new ArgumentException(problem, isUnknown ? nameof(currency) : nameof(minorUnits));
    }

    /// <summary>Makes an amount from minor units if Stripe can charge it.</summary>
    /// <param name="minorUnits">The amount in minor units.</param>
    /// <param name="currency">The ISO 4217 code, in either case; null is refused.</param>
    /// <param name="money">The amount, or <c>default</c>.</param>
    /// <returns>Whether currency and amount are acceptable.</returns>
    public static bool TryCreate(long minorUnits, string? currency, out Money money) =>
        TryCreate(minorUnits, currency, out money, out _);

    /// <summary>Makes an amount from minor units if Stripe can charge it, and otherwise says why not.</summary>
    /// <param name="minorUnits">The amount in minor units.</param>
    /// <param name="currency">The ISO 4217 code, in either case; null is refused.</param>
    /// <param name="money">The amount, or <c>default</c>.</param>
    /// <param name="problem">A sentence for people that says what to change, or null.</param>
    /// <returns>Whether currency and amount are acceptable.</returns>
    public static bool TryCreate(
        long minorUnits, string? currency, out Money money, [NotNullWhen(false)] out string? problem)
    {
        money = default;
        if (CurrencyRules.Find(currency) is not { } rules)
        {
            problem = "The currency must be an ISO 4217 code that Stripe takes, such as 'usd'.";
            return false;
        }

        problem = Problem(minorUnits, rules);
        if (problem is not null)
        {
            return false;
        }

        money = new Money(minorUnits, rules);
        return true;
    }

    /// <summary>Reads what a person typed: <c>12.50</c>, <c>1,234.50</c>, <c>12.50 USD</c> or
    /// <c>USD 12.50</c>.</summary>
    /// <param name="text">The text; white space around it is ignored. A sign, an exponent or a currency symbol is
    /// refused.</param>
    /// <param name="currency">The currency to assume when the text names none; null requires the text to name
    /// it.</param>
    /// <param name="money">The amount, or <c>default</c>.</param>
    /// <param name="formatProvider">Whose decimal and group separators to read; the invariant culture unless
    /// given.</param>
    /// <returns>Whether the text is an amount of that currency. More decimals than the currency has are refused, never
    /// rounded.</returns>
    public static bool TryParse(
        [NotNullWhen(true)] string? text, string? currency, out Money money, IFormatProvider? formatProvider = null) =>
        MoneyText.TryParse(
            text, currency, NumberFormatInfo.GetInstance(formatProvider ?? CultureInfo.InvariantCulture), out money);

    /// <summary>Reads what a person typed; see <see cref="TryParse"/>.</summary>
    /// <param name="text">The text.</param>
    /// <param name="currency">The currency to assume when the text names none.</param>
    /// <param name="formatProvider">Whose separators to read; the invariant culture unless given.</param>
    /// <returns>The amount.</returns>
    /// <exception cref="FormatException">The text is no amount of that currency.</exception>
    public static Money Parse(string text, string? currency = null, IFormatProvider? formatProvider = null) =>
        TryParse(text, currency, out Money money, formatProvider)
            ? money
            : throw new FormatException("Write an amount such as '12.50 USD', with no more decimals than the "
                + "currency has.");

    /// <summary>Adds amounts of one currency.</summary>
    /// <param name="currency">The currency, which also answers for an empty list.</param>
    /// <param name="amounts">The amounts.</param>
    /// <returns>The total; 0 of <paramref name="currency"/> for none.</returns>
    /// <exception cref="ArgumentException">An amount is of another currency, or <paramref name="currency"/> is
    /// unknown.</exception>
    /// <exception cref="OverflowException">The total is more than 99,999,999 minor units.</exception>
    public static Money Sum(string currency, params IEnumerable<Money> amounts)
    {
        ArgumentNullException.ThrowIfNull(amounts);
        Money total = Create(0, currency);
        foreach (Money amount in amounts)
        {
            total += amount;
        }

        return total;
    }

    /// <summary>A percentage of the amount, such as a tip, rounded half away from zero to what can be
    /// charged.</summary>
    /// <param name="percent">0 to 1000 (%).</param>
    /// <returns>The part: 10 % of 1.25 USD is 0.13 USD.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="percent"/> is out of range.</exception>
    /// <exception cref="OverflowException">The result is more than 99,999,999 minor units.</exception>
    /// <exception cref="InvalidOperationException">This is <c>default(Money)</c>.</exception>
    public Money Percent(int percent)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(percent, 0);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(percent, 1000);
        return Percent((decimal)percent);
    }

    /// <summary>A percentage of the amount with decimals, such as 8.875 % tax, exactly, then rounded once to what can
    /// be charged.</summary>
    /// <param name="percent">0 to 1000 (%), with at most 10 decimals.</param>
    /// <param name="rounding">How to round; half away from zero unless given.</param>
    /// <returns>The part: 12.5 % of 10.20 USD is 1.28 USD.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="percent"/> is out of range or has more
    /// decimals.</exception>
    /// <exception cref="OverflowException">The result is more than <see cref="Largest"/>.</exception>
    /// <exception cref="InvalidOperationException">This is <c>default(Money)</c>.</exception>
    public Money Percent(decimal percent, MidpointRounding rounding = MidpointRounding.AwayFromZero)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(percent, 0);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(percent, 1000);
        if (decimal.Round(percent, MostPercentDecimals) != percent)
        {
            throw new ArgumentOutOfRangeException(
                nameof(percent), percent, $"A percentage has at most {MostPercentDecimals} decimals.");
        }

        // Fixed point in 28 digits: 12 of the amount, 4 and 10 of the percentage. Nothing is lost before the rounding.
        CurrencyRules rules = Rules();
        decimal steps = Math.Round(MinorUnits * percent / (100 * rules.Step), 0, rounding);
        return Checked((long)steps * rules.Step, rules);
    }

    /// <summary>The amount with a tip: the amount plus <see cref="Percent(int)"/> of it.</summary>
    /// <param name="percent">0 to 1000 (%).</param>
    /// <returns>The total to pay.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="percent"/> is out of range.</exception>
    /// <exception cref="OverflowException">The result is more than 99,999,999 minor units.</exception>
    public Money WithTip(int percent) => this + Percent(percent);

    /// <summary>The amount with a tip in decimals: the amount plus <see cref="Percent(decimal, MidpointRounding)"/> of
    /// it.</summary>
    /// <param name="percent">0 to 1000 (%), with at most 10 decimals.</param>
    /// <param name="rounding">How to round the tip; half away from zero unless given.</param>
    /// <returns>The total to pay.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="percent"/> is out of range.</exception>
    /// <exception cref="OverflowException">The result is more than <see cref="Largest"/>.</exception>
    public Money WithTip(decimal percent, MidpointRounding rounding = MidpointRounding.AwayFromZero) =>
        this + Percent(percent, rounding);

    /// <summary>The amount several times.</summary>
    /// <param name="quantity">How many; not negative.</param>
    /// <returns>The product.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="quantity"/> is negative.</exception>
    /// <exception cref="OverflowException">The result is more than 99,999,999 minor units.</exception>
    public Money Times(int quantity)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(quantity);
        return Checked(checked(MinorUnits * quantity), Rules());
    }

    /// <inheritdoc />
    public bool Equals(Money other) => MinorUnits == other.MinorUnits && ReferenceEquals(_rules, other._rules);

    /// <inheritdoc />
    public override bool Equals([NotNullWhen(true)] object? obj) => obj is Money other && Equals(other);

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(MinorUnits, Currency);

    /// <summary>Compares two amounts of one currency.</summary>
    /// <param name="other">The other amount.</param>
    /// <returns>Negative, 0 or positive.</returns>
    /// <exception cref="ArgumentException">The currencies differ.</exception>
    public int CompareTo(Money other) => MinorUnits.CompareTo(Same(other).MinorUnits);

    /// <summary>The amount for people, in the invariant culture: <c>12.50 USD</c>, <c>500 JPY</c>,
    /// <c>5.120 KWD</c>.</summary>
    /// <returns>The amount and its currency in upper case; empty for <c>default</c>.</returns>
    public override string ToString() => ToString(null);

    /// <summary>The amount for people of a culture: <c>1.234,50 EUR</c>.</summary>
    /// <param name="formatProvider">Whose separators to write; the invariant culture without grouping when
    /// null.</param>
    /// <returns>The amount and its currency in upper case; empty for <c>default</c>.</returns>
    public string ToString(IFormatProvider? formatProvider) =>
        _rules is null ? "" : MoneyText.Format(MinorUnits, _rules, formatProvider);

    /// <summary>Adds two amounts of one currency.</summary>
    /// <param name="left">One amount.</param>
    /// <param name="right">The other.</param>
    /// <returns>The sum.</returns>
    /// <exception cref="ArgumentException">The currencies differ.</exception>
    /// <exception cref="OverflowException">The sum is more than 99,999,999 minor units.</exception>
    public static Money operator +(Money left, Money right) =>
        Checked(left.MinorUnits + left.Same(right).MinorUnits, left.Rules());

    /// <summary>Takes one amount from another of the same currency.</summary>
    /// <param name="left">The larger amount.</param>
    /// <param name="right">The smaller one.</param>
    /// <returns>The difference.</returns>
    /// <exception cref="ArgumentException">The currencies differ.</exception>
    /// <exception cref="OverflowException">The difference is negative: money here is never owed backwards.</exception>
    public static Money operator -(Money left, Money right) =>
        Checked(left.MinorUnits - left.Same(right).MinorUnits, left.Rules());

    /// <summary>Whether amount and currency are the same.</summary>
    /// <param name="left">One amount.</param>
    /// <param name="right">The other.</param>
    /// <returns>Whether they are equal.</returns>
    public static bool operator ==(Money left, Money right) => left.Equals(right);

    /// <summary>The opposite of equality.</summary>
    /// <param name="left">One amount.</param>
    /// <param name="right">The other.</param>
    /// <returns>Whether they differ.</returns>
    public static bool operator !=(Money left, Money right) => !left.Equals(right);

    /// <summary>Whether one amount is smaller.</summary>
    /// <param name="left">One amount.</param>
    /// <param name="right">The other.</param>
    /// <returns>Whether <paramref name="left"/> is the smaller one.</returns>
    public static bool operator <(Money left, Money right) => left.CompareTo(right) < 0;

    /// <summary>Whether one amount is larger.</summary>
    /// <param name="left">One amount.</param>
    /// <param name="right">The other.</param>
    /// <returns>Whether <paramref name="left"/> is the larger one.</returns>
    public static bool operator >(Money left, Money right) => left.CompareTo(right) > 0;

    /// <summary>Whether one amount is at most the other.</summary>
    /// <param name="left">One amount.</param>
    /// <param name="right">The other.</param>
    /// <returns>Whether <paramref name="left"/> is not the larger one.</returns>
    public static bool operator <=(Money left, Money right) => left.CompareTo(right) <= 0;

    /// <summary>Whether one amount is at least the other.</summary>
    /// <param name="left">One amount.</param>
    /// <param name="right">The other.</param>
    /// <returns>Whether <paramref name="left"/> is not the smaller one.</returns>
    public static bool operator >=(Money left, Money right) => left.CompareTo(right) >= 0;

    private static string? Problem(long minorUnits, CurrencyRules rules)
    {
        if (minorUnits < 0 || minorUnits > rules.Maximum)
        {
            return string.Create(CultureInfo.InvariantCulture,
                $"The amount is {minorUnits} minor units; it must be between 0 and {rules.Maximum}.");
        }

        return minorUnits % rules.Step == 0
            ? null
            : string.Create(CultureInfo.InvariantCulture,
                $"The amount is {minorUnits} minor units of {rules.Code}; Stripe takes only multiples of "
                + $"{rules.Step} there.");
    }

    private static Money Checked(long minorUnits, CurrencyRules rules) =>
        Problem(minorUnits, rules) is { } problem ? throw new OverflowException(problem) : new Money(minorUnits, rules);

    private CurrencyRules Rules() =>
        _rules ?? throw new InvalidOperationException("default(Money) has no currency; use Money.Create.");

    private Money Same(Money other) => ReferenceEquals(Rules(), other._rules)
        ? other
        : throw new ArgumentException($"Amounts of '{Currency}' and '{other.Currency}' cannot be combined; "
            + "convert one first.", nameof(other));
}
