using System.Globalization;

namespace Coach.Usage;

/// <summary>
/// Money in millionths of a currency's unit: a token costs less than a cent, and sums must be exact. May be negative.
/// </summary>
public readonly record struct MicroAmount : IComparable<MicroAmount>
{
    /// <summary>How many micro-units one unit of a currency has.</summary>
    public const long PerUnit = 1_000_000;

    private readonly string? _currency;

    /// <summary>Names an amount.</summary>
    /// <param name="micros">Millionths of the currency's unit.</param>
    /// <param name="currency">Three letters (ISO 4217); kept in lower case.</param>
    /// <exception cref="ArgumentException"><paramref name="currency"/> has not three letters.</exception>
    public MicroAmount(long micros, string currency)
    {
        Micros = micros;
        _currency = CheckCurrency(currency);
    }

    /// <summary>Millionths of the currency's unit.</summary>
    public long Micros { get; }

    /// <summary>The currency in lower case; empty for <c>default</c>.</summary>
    public string Currency => _currency ?? "";

    /// <summary>Whether it is nothing.</summary>
    public bool IsZero => Micros == 0;

    /// <summary>Nothing, in a currency.</summary>
    /// <param name="currency">Three letters.</param>
    /// <returns>The amount.</returns>
    /// <exception cref="ArgumentException"><paramref name="currency"/> has not three letters.</exception>
    public static MicroAmount Zero(string currency) => new(0, currency);

    /// <summary>An amount from units, exactly.</summary>
    /// <param name="units">Units of the currency, such as 0.5; at most six decimals.</param>
    /// <param name="currency">Three letters.</param>
    /// <returns>The amount.</returns>
    /// <exception cref="ArgumentException">There are more than six decimals, or the currency has not three
    /// letters.</exception>
    /// <exception cref="OverflowException">It does not fit.</exception>
    public static MicroAmount FromUnits(decimal units, string currency)
    {
        decimal micros = units * PerUnit;
        return decimal.Truncate(micros) == micros
            ? new MicroAmount(decimal.ToInt64(micros), currency)
            : throw new ArgumentException("An amount has at most six decimals.", nameof(units));
    }

    /// <summary>Adds.</summary>
    /// <param name="left">An amount.</param>
    /// <param name="right">One of the same currency.</param>
    /// <returns>The sum.</returns>
    /// <exception cref="InvalidOperationException">The currencies differ.</exception>
    /// <exception cref="OverflowException">It does not fit.</exception>
    public static MicroAmount operator +(MicroAmount left, MicroAmount right) => left.Add(right);

    /// <summary>Subtracts.</summary>
    /// <param name="left">An amount.</param>
    /// <param name="right">One of the same currency.</param>
    /// <returns>The difference.</returns>
    /// <exception cref="InvalidOperationException">The currencies differ.</exception>
    /// <exception cref="OverflowException">It does not fit.</exception>
    public static MicroAmount operator -(MicroAmount left, MicroAmount right) => left.Subtract(right);

    /// <summary>Turns the sign.</summary>
    /// <param name="amount">An amount.</param>
    /// <returns>The opposite.</returns>
    /// <exception cref="OverflowException">It does not fit.</exception>
    public static MicroAmount operator -(MicroAmount amount) => amount.Negate();

    /// <summary>Compares.</summary>
    /// <param name="left">An amount.</param>
    /// <param name="right">One of the same currency.</param>
    /// <returns>Whether the left one is less.</returns>
    public static bool operator <(MicroAmount left, MicroAmount right) => left.CompareTo(right) < 0;

    /// <summary>Compares.</summary>
    /// <param name="left">An amount.</param>
    /// <param name="right">One of the same currency.</param>
    /// <returns>Whether the left one is more.</returns>
    public static bool operator >(MicroAmount left, MicroAmount right) => left.CompareTo(right) > 0;

    /// <summary>Compares.</summary>
    /// <param name="left">An amount.</param>
    /// <param name="right">One of the same currency.</param>
    /// <returns>Whether the left one is not more.</returns>
    public static bool operator <=(MicroAmount left, MicroAmount right) => left.CompareTo(right) <= 0;

    /// <summary>Compares.</summary>
    /// <param name="left">An amount.</param>
    /// <param name="right">One of the same currency.</param>
    /// <returns>Whether the left one is not less.</returns>
    public static bool operator >=(MicroAmount left, MicroAmount right) => left.CompareTo(right) >= 0;

    /// <summary>Adds.</summary>
    /// <param name="other">One of the same currency.</param>
    /// <returns>The sum.</returns>
    /// <exception cref="InvalidOperationException">The currencies differ.</exception>
    /// <exception cref="OverflowException">It does not fit.</exception>
    public MicroAmount Add(MicroAmount other) => new(checked(Micros + Same(other).Micros), Currency);

    /// <summary>Subtracts.</summary>
    /// <param name="other">One of the same currency.</param>
    /// <returns>The difference.</returns>
    /// <exception cref="InvalidOperationException">The currencies differ.</exception>
    /// <exception cref="OverflowException">It does not fit.</exception>
    public MicroAmount Subtract(MicroAmount other) => new(checked(Micros - Same(other).Micros), Currency);

    /// <summary>Turns the sign.</summary>
    /// <returns>The opposite.</returns>
    /// <exception cref="OverflowException">It does not fit.</exception>
    public MicroAmount Negate() => new(checked(-Micros), Currency);

    /// <inheritdoc />
    /// <exception cref="InvalidOperationException">The currencies differ.</exception>
    public int CompareTo(MicroAmount other) => Micros.CompareTo(Same(other).Micros);

    /// <summary>Such as <c>0.0125 usd</c>.</summary>
    /// <returns>Units and currency.</returns>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{(decimal)Micros / PerUnit:0.######} {Currency}");

    internal static string CheckCurrency(string currency)
    {
        ArgumentNullException.ThrowIfNull(currency);
        return currency.Length == 3 && currency.All(char.IsAsciiLetter)
            ? currency.ToLowerInvariant()
            : throw new ArgumentException("A currency has three letters, such as usd.", nameof(currency));
    }

    private MicroAmount Same(MicroAmount other) => other.Currency == Currency
        ? other
        : throw new InvalidOperationException(
            $"Amounts in {Currency} and {other.Currency} do not add up; convert one of them first.");
}
