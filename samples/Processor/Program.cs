// A model runner behind a WebSocket: /run takes runs, /healthz says that it lives. With a verb (name, pin, secrets …)
// it is a command instead; `-- help` lists them.
using Processor;
using Processor.Verbs;

if (args is ["--help" or "-h" or "-?", ..])
{
    args = ["help"];
}

if (args.Length > 0 && !args[0].StartsWith('-'))
{
    return await Verb.RunAsync(args, Console.Out, Console.Error, Console.In);
}

return await ProcessorHost.RunAsync(
    WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory }),
    Console.Error);

/// <summary>Named for the tests that host this program.</summary>
public sealed partial class Program;
