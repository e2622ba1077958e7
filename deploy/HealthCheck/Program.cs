// What HEALTHCHECK runs in an image without a shell: ends with 0 if the address answers 2xx within the time, else with 1.
using System.Globalization;

if (args.Length is 0 or > 2
    || !Uri.TryCreate(args[0], UriKind.Absolute, out Uri? address)
    || (args.Length == 2 && !int.TryParse(args[1], NumberStyles.None, CultureInfo.InvariantCulture, out _)))
{
    Console.Error.WriteLine("HealthCheck URL [SECONDS]");
    return 2;
}

int seconds = args.Length == 2 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 5;
using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(Math.Clamp(seconds, 1, 60)) };
try
{
    using HttpResponseMessage answer = await client.GetAsync(address, HttpCompletionOption.ResponseHeadersRead);
    return answer.IsSuccessStatusCode ? 0 : 1;
}
catch (Exception failure) when (failure is HttpRequestException or OperationCanceledException)
{
    return 1;
}
