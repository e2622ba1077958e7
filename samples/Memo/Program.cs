// A coach for business writing: a text is judged against a rubric, in a queue, for people with roles and a budget. The
// library does the work.
using Memo;
using Memo.Operations;

var builder = WebApplication.CreateBuilder(
    new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
if (Verbs.IsOne(args))
{
    return await Verbs.RunAsync(args, builder.Configuration, TimeProvider.System);
}

try
{
    builder.AddMemo();
    WebApplication app = builder.Build();
    app.UseMemo();
    await app.PrepareAsync();
    return await app.RunCoachAsync();
}
catch (Exception exception) when (exception is InvalidOperationException or Coach.Abstractions.CoachException
    or Microsoft.Extensions.Options.OptionsValidationException)
{
    await Console.Error.WriteLineAsync(exception.Message);
    return 1;
}

/// <summary>Named for the tests that host this program.</summary>
public sealed partial class Program;
