using System.Globalization;
using System.Text.Json;

namespace Coach.Usage.Prices;

/// <summary>Reads one object of a price file, and says where what is wrong.</summary>
internal sealed class JsonObjectReader
{
    private readonly JsonElement _json;
    private readonly string _place;

    public JsonObjectReader(JsonElement json, string place)
    {
        (_json, _place) = (json, place);
        if (json.ValueKind != JsonValueKind.Object)
        {
            throw new FormatException($"{place} is not an object.");
        }
    }

    /// <summary>A misspelt rate would be a price of nothing.</summary>
    public void Allow(params ReadOnlySpan<string> names)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (JsonProperty member in _json.EnumerateObject())
        {
            if (!names.Contains(member.Name))
            {
                throw new FormatException($"{_place} has an unknown field '{member.Name}'.");
            }

            if (!seen.Add(member.Name))
            {
                throw new FormatException($"{_place} has the field '{member.Name}' twice.");
            }
        }
    }

    public string? Text(string name) => Find(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } text => text.GetString(),
        _ => throw Wrong(name, "a text"),
    };

    public long? Long(string name) => Find(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Number } number when number.TryGetInt64(out long value) && value >= 0 => value,
        _ => throw Wrong(name, "a whole number of 0 or more"),
    };

    public DateOnly? Date(string name) => Text(name) switch
    {
        null => null,
        { } text when DateOnly.TryParseExact(
            text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly date) => date,
        _ => throw Wrong(name, "a date such as 2026-11-01"),
    };

    /// <summary>Units of the currency, as a number or a text, in micro-units.</summary>
    public long? Rate(string name, long highest)
    {
        if (Find(name) is not { } value)
        {
            return null;
        }

        decimal units = 0;
        bool isNumber = value.ValueKind switch
        {
            JsonValueKind.Number => value.TryGetDecimal(out units),
            JsonValueKind.String => decimal.TryParse(
                value.GetString(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out units),
            _ => false,
        };
        if (!isNumber || units < 0 || units > highest / MicroAmount.PerUnit)
        {
            throw Wrong(name, "a price of 0 to 1,000,000 units");
        }

        decimal micros = units * MicroAmount.PerUnit;
        return decimal.Truncate(micros) == micros
            ? decimal.ToInt64(micros)
            : throw Wrong(name, "a price with at most six decimals");
    }

    private JsonElement? Find(string name) => _json.TryGetProperty(name, out JsonElement value) ? value : null;

    private FormatException Wrong(string name, string expected) =>
        new($"{_place} has a field '{name}' that is not {expected}.");
}
