using System.Text.Json.Serialization;

namespace Coach.Payments.Idempotency;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(PaymentRecord))]
internal sealed partial class PaymentRecordJson : JsonSerializerContext;
