using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Http;

/// <summary>
/// Finds the contract of a type in the host's JSON options, where <c>AddCoach</c> put the source-generated context: the
/// endpoints need no reference to it, and the OpenAPI document is made from the same contracts.
/// </summary>
internal static class JsonTypes
{
    public static JsonTypeInfo<T> JsonTypeOf<T>(this HttpContext context)
    {
        JsonSerializerOptions options = context.RequestServices
            .GetRequiredService<IOptions<JsonOptions>>().Value.SerializerOptions;
        return (JsonTypeInfo<T>)options.GetTypeInfo(typeof(T));
    }
}

/// <summary>Writes an enum's words in camelCase, whatever the host's own options say.</summary>
/// <typeparam name="T">The enum.</typeparam>
internal sealed class CamelCase<T>() : JsonStringEnumConverter<T>(JsonNamingPolicy.CamelCase, allowIntegerValues: false)
    where T : struct, Enum;
