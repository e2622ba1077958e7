using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Hosting;

/// <summary>
/// Puts the endpoints' contracts into the host's JSON options. Each contract names its fields itself, so that a naming
/// policy of the host does not change what clients rely on.
/// </summary>
/// <remarks>
/// Numbers are numbers and no texts, in what is read and in the OpenAPI document, though the framework's own options
/// take both: properties and their types say so, since the document looks at both.
/// </remarks>
internal sealed class CoachJsonSetup : IConfigureOptions<JsonOptions>
{
    public void Configure(JsonOptions options) =>
        options.SerializerOptions.TypeInfoResolverChain.Insert(
            0, CoachJsonContext.Default.WithAddedModifier(WithStrictNumbers));

    private static void WithStrictNumbers(JsonTypeInfo contract)
    {
        // What the document says of a number that may be null, or stands in a list.
        if (IsNumber(contract.Type))
        {
            contract.NumberHandling = JsonNumberHandling.Strict;
        }

        foreach (JsonPropertyInfo property in contract.Properties)
        {
            if (IsNumber(property.PropertyType))
            {
                property.NumberHandling = JsonNumberHandling.Strict;
            }
        }
    }

    private static bool IsNumber(Type type)
    {
        Type number = Nullable.GetUnderlyingType(type) ?? type;
        return number == typeof(int) || number == typeof(long) || number == typeof(double) || number == typeof(decimal);
    }
}
