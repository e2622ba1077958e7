using System.Text.Json;
using System.Text.Json.Serialization;

namespace Coach.Payments;

/// <summary>A hash as a string of 64 hexadecimal digits.</summary>
internal sealed class RequestHashJsonConverter : JsonConverter<RequestHash>
{
    public override RequestHash Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && RequestHash.TryParse(reader.GetString(), out RequestHash hash)
            ? hash
            : throw new JsonException("A request hash is 64 hexadecimal digits.");

    public override void Write(Utf8JsonWriter writer, RequestHash value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
}
