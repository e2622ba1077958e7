using Microsoft.AspNetCore.Http.Json;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Hosting;

/// <summary>
/// Puts the endpoints' contracts into the host's JSON options. Each contract names its fields itself, so that a naming
/// policy of the host does not change what clients rely on.
/// </summary>
internal sealed class CoachJsonSetup : IConfigureOptions<JsonOptions>
{
    public void Configure(JsonOptions options) =>
        options.SerializerOptions.TypeInfoResolverChain.Insert(0, CoachJsonContext.Default);
}
