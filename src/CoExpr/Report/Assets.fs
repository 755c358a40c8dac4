namespace CoExpr

open System.IO
open System.Reflection
open System.Text.RegularExpressions

/// The page's scripts and styles, embedded in this assembly when it was built.
[<RequireQualifiedAccess>]
module internal Assets =

    // Pages with CR line ends would fail their own security policy: HTML parsers turn CR LF to LF before they hash.
    let private read name =
        use stream =
            Assembly.GetExecutingAssembly().GetManifestResourceStream("CoExpr.Report." + name)

        use reader = new StreamReader(stream)
        reader.ReadToEnd().Replace("\r\n", "\n")

    /// Without the reference to a source map, which the page does not carry and a browser's inspector would look for.
    let private library name =
        Regex.Replace(read name, @"\n//# sourceMappingURL=.*\s*$", "\n")

    /// Vega, Vega-Lite and Vega-Embed, in the order they need each other.
    let libraries () = [
        library "vega.min.js"
        library "vega-lite.min.js"
        library "vega-embed.min.js"
    ]

    /// Draws the figures, sorts and searches the tables.
    let script () = read "report.js"

    let style () = read "report.css"

    /// The licences of the libraries, which ask to go wherever the libraries go.
    let notices () = read "THIRD-PARTY-NOTICES.md"
