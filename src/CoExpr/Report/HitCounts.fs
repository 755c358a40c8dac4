namespace CoExpr

/// The specification of a figure of how many hits each perturbation has, up and down.
[<RequireQualifiedAccess>]
module internal HitCounts =

    /// Bars that are still read one by one.
    [<Literal>]
    let Most = 50

    let private bars (found: DifferentialHighlights) (shown: int[]) = [
        for rank in 0 .. shown.Length - 1 do
            let up, down = found.Up[shown[rank]], found.Down[shown[rank]]

            for side, hits in [ "up", up; "down", -down ] do
                Json.Object [
                    "rank", Json.Number(float rank)
                    "name", Json.Text found.Result.Perturbations[shown[rank]]
                    "side", Json.Text side
                    "hits", Json.Number(float hits)
                    "up", Json.Number(float up)
                    "down", Json.Number(float down)
                    "cells", Json.Number(float found.Result.Cells[shown[rank]])
                ]
    ]

    /// Perturbations are numbered rather than named, so that a name is never read as an expression.
    let private nameAxis =
        VegaLite.field "rank" "ordinal" [
            "title", Json.Null
            "axis",
            Json.Object [
                "labelExpr", Json.Text "names[datum.value]"
                "labelLimit", Json.Number 220.0
                "labelOverlap", Json.Flag false
                "ticks", Json.Flag false
                "domain", Json.Flag false
            ]
        ]

    let private hitAxis =
        VegaLite.field "hits" "quantitative" [
            "title", Json.Text "Genes lower ← → genes higher in perturbed cells"
            "stack", Json.Null
            "axis",
            Json.Object [
                "labelExpr", Json.Text "format(abs(datum.value), ',')"
                "tickMinStep", Json.Number 1.0
            ]
        ]

    let private colour =
        Json.Object [
            "condition", Json.Object [ "test", Json.Text "datum.side === 'down'"; "value", Json.Text VegaLite.Blue ]
            "value", Json.Text VegaLite.Vermilion
        ]

    /// `shown` are perturbations, from the top down.
    let spec (found: DifferentialHighlights) (shown: int[]) =
        let names = [
            for perturbation in shown -> Json.Text found.Result.Perturbations[perturbation]
        ]

        VegaLite.specification [
            "params", Json.List [ VegaLite.variable "names" (Json.List names) ]
            "width", Json.Text "container"
            // Not a step: width by the container and height by steps do not go together.
            "height", Json.Number(18.0 * float shown.Length)
            "data", VegaLite.values (bars found shown)
            "mark", Json.Object [ "type", Json.Text "bar" ]
            "encoding",
            Json.Object [
                "y", nameAxis
                "x", hitAxis
                "color", colour
                "tooltip",
                Json.List [
                    VegaLite.tip "name" "perturbation" None
                    VegaLite.tip "up" "higher" (Some ",")
                    VegaLite.tip "down" "lower" (Some ",")
                    VegaLite.tip "cells" "cells" (Some ",")
                ]
            ]
        ]
