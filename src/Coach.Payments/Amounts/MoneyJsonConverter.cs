using System.Text.Json;
using System.Text.Json.Serialization;

namespace Coach.Payments.Amounts;

/// <summary>Writes <c>{"amount":1250,"currency":"usd"}</c>, minor units and lower case, and reads it back.</summary>
internal sealed class MoneyJsonConverter : JsonConverter<Money>
{
    public override Money Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        long? amount = null;
        string? currency = null;
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw new JsonException("Money is an object with 'amount' and 'currency'.");
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool isAmount = reader.ValueTextEquals("amount"u8);
            bool isCurrency = reader.ValueTextEquals("currency"u8);
            reader.Read();
            if (isAmount)
            {
                amount = reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out long value)
                    ? value
                    : throw new JsonException("'amount' is a whole number of minor units.");
            }
            else if (isCurrency)
            {
                currency = reader.TokenType == JsonTokenType.String
                    ? reader.GetString()
                    : throw new JsonException("'currency' is a string.");
            }
            else
            {
                reader.Skip();
            }
        }

        return amount is { } units && Money.TryCreate(units, currency, out Money money, out string? problem)
            ? money
            : throw new JsonException("Money needs an 'amount' and a 'currency' that Stripe can charge.");
    }

    public override void Write(Utf8JsonWriter writer, Money value, JsonSerializerOptions options)
    {
        writer.WriteStartObject();
        writer.WriteNumber("amount"u8, value.MinorUnits);
        writer.WriteString("currency"u8, value.Currency);
        writer.WriteEndObject();
    }
}
