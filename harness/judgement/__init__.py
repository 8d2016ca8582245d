"""Why a run is green or red: guards, goldens, quarantine, verification, freshness."""
