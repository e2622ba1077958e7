using System.Text.Json;
using System.Text.Json.Serialization;

namespace Coach.Abstractions.Secrets;

/// <summary>Reads a JSON string into a <see cref="Secret"/>; always writes <c>"***"</c>.</summary>
internal sealed class SecretJsonConverter : JsonConverter<Secret>
{
    public override Secret? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.String)
        {
            throw new JsonException("A secret must be a JSON string.");
        }

        string? value = reader.GetString();
        return string.IsNullOrWhiteSpace(value) ? null : Secret.From(value);
    }

    public override void Write(Utf8JsonWriter writer, Secret value, JsonSerializerOptions options) =>
        writer.WriteStringValue(Secret.Mask);
}
